import { expect, test } from 'vitest'
import type { ChatEvent } from '../../src/core/chat-event.ts'
import type { ChatMessage, ChatRequest, ToolUse } from '../../src/core/chat-request.ts'
import { fulfilRequest } from '../../src/gateway/fulfil-request.ts'
import type { AskPlain } from '../../src/gateway/repair.ts'
import { cutToTokens } from '../../src/models/tokens.ts'
import { answerOf, call, finished, readAll, text } from '../support/chat-events.ts'

const hello: ChatMessage = { role: 'user', parts: [{ type: 'text', text: 'Hello' }] }
const request: ChatRequest = {
  model: {
    id: 'gpt-5',
    upstreamIds: { copilot: ['gpt-5'], agent: ['gpt-5'] },
    mixture: false,
    search: false,
  },
  messages: [hello],
}
const options = { cutToTokens, createCallId: () => 'call_1' }
const person = {
  type: 'json-schema',
  name: 'person',
  description: undefined,
  schema: { type: 'object', properties: { age: { type: 'integer' } } },
} as const

/** Answers one ask after the other and notes their messages. */
function asking(...answers: readonly (readonly ChatEvent[])[]) {
  const asked: (readonly ChatMessage[])[] = []
  const ask: AskPlain = async ({ messages }) => {
    asked.push(messages)
    return { events: answerOf(...(answers[asked.length - 1] ?? [])) }
  }
  return { ask, asked }
}

test('a plain request is asked and answered as it is', async () => {
  const { ask, asked } = asking([text('Hi'), finished])
  const { events } = await fulfilRequest(request, ask, options)
  expect(await readAll(events)).toEqual([text('Hi'), finished])
  expect(asked).toEqual([[hello]])
})

test('a schema that is none is refused before anything is asked', async () => {
  const { ask, asked } = asking()
  const output = { ...person, schema: { type: 'text' } }
  await expect(fulfilRequest({ ...request, output }, ask, options)).rejects.toMatchObject({
    code: 'invalid_value',
  })
  expect(asked).toEqual([])
})

test('an answer is put right in the same conversation, and limits hold for what is sent', async () => {
  const { ask, asked } = asking(
    [text('{"age": "a great many"}'), finished],
    [text('```json\n{"age": 36}\n```'), finished],
  )
  const { events } = await fulfilRequest({ ...request, output: person, maxTokens: 4 }, ask, options)
  expect(await readAll(events)).toEqual([text('{"age":'), text(' '), { type: 'finished', reason: 'length' }])
  expect(asked).toHaveLength(2)
  expect(asked[1]?.slice(0, -2)).toEqual(asked[0])
  expect(asked[1]?.slice(-2).map(({ role }) => role)).toEqual(['assistant', 'user'])
})

test('a call in the answer that was to be put right is one, and no JSON of the answer', async () => {
  const { ask } = asking(
    [text('Let me see.'), finished],
    [text('<tool_call>{"name":"read","arguments":{"path":"a"}}</tool_call>'), finished],
  )
  const tools: ToolUse = {
    definitions: [{ name: 'read', description: undefined, parameters: { type: 'object' }, strict: false }],
    choice: { type: 'auto' },
    parallel: true,
  }
  const createCallId = () => 'call_read'
  const asked = { ...request, output: { type: 'json-object' }, tools } as const
  const { events } = await fulfilRequest(asked, ask, { ...options, createCallId })
  expect(await readAll(events)).toEqual([
    ...call('read', '{"path":"a"}'),
    { type: 'finished', reason: 'tool-calls' },
  ])
})
