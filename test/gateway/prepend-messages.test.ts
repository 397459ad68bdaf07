import { expect, test } from 'vitest'
import type { ChatRequest } from '../../src/core/chat-request.ts'
import { prependMessages } from '../../src/gateway/prepend-messages.ts'

const request: ChatRequest = {
  model: {
    id: 'gpt-6',
    upstreamIds: { copilot: ['gpt-6'], agent: ['gpt-6'] },
    mixture: false,
    search: false,
  },
  messages: [
    { role: 'system', parts: [{ type: 'text', text: 'You are a poet.' }] },
    { role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
  ],
}

test('the messages of the operator come before all of the client, in their order', () => {
  const changed = prependMessages(request, [
    { role: 'system', content: 'Be brief.' },
    { role: 'assistant', content: 'I shall.' },
  ])
  expect(changed).toEqual({
    model: request.model,
    messages: [
      { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'assistant', parts: [{ type: 'text', text: 'I shall.' }] },
      ...request.messages,
    ],
  })
})

test('without any the request stays the same', () => {
  expect(prependMessages(request, [])).toBe(request)
})
