import { expect, test } from 'vitest'
import type { ChatModel, ChatPrompt } from '../../../src/core/chat-request.ts'
import { encodeCopilotRequest } from '../../../src/upstream/copilot/encode.ts'
import { chatRequest } from '../support.ts'

const history = (model: Partial<ChatModel> = {}): ChatPrompt => ({
  ...chatRequest(model),
  messages: [
    { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
    { role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
    { role: 'assistant', parts: [{ type: 'text', text: 'Hi' }] },
    {
      role: 'user',
      parts: [
        { type: 'text', text: 'What is this?' },
        { type: 'image', mimeType: 'image/png', base64: 'iVBORw0=' },
      ],
    },
  ],
})

test('the body is that of the page, with the whole history', () => {
  expect(encodeCopilotRequest(history(), { token: 'token-1' })).toEqual({
    type: 'COPILOT_MOA_CHAT',
    current_query_string: 'type=COPILOT_MOA_CHAT',
    messages: [
      { role: 'system', content: 'Be brief.', is_prompt: false, session_state: null },
      { role: 'user', content: 'Hello', is_prompt: false, session_state: null },
      { role: 'assistant', content: 'Hi', is_prompt: false, session_state: null },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0=' } },
        ],
        is_prompt: false,
        session_state: null,
      },
    ],
    action_params: {},
    extra_data: {
      models: ['claude-sonnet-4-5'],
      run_with_another_model: false,
      writingContent: null,
      request_web_knowledge: false,
    },
    g_recaptcha_token: 'token-1',
  })
})

test('a chat goes on with its id, the history stays whole; a missing token is left out', () => {
  const body = encodeCopilotRequest(history(), { chatId: 'p-1' })
  expect(body.current_query_string).toBe('id=p-1&type=COPILOT_MOA_CHAT')
  expect(body.messages).toHaveLength(4)
  expect(body).not.toHaveProperty('g_recaptcha_token')
})

test('search and a mixture are asked for in the extra data', () => {
  const models = ['gpt-5.1-low', 'claude-sonnet-4-5', 'gemini-3-pro-preview']
  const body = encodeCopilotRequest(
    history({ search: true, mixture: true, upstreamIds: { copilot: models, agent: [] } }),
    {},
  )
  expect(body.extra_data).toMatchObject({ models, request_web_knowledge: true })
})

test('deep-seek-r1 has no system role and is told which answers are its own', () => {
  const body = encodeCopilotRequest(history({ upstreamIds: { copilot: ['deep-seek-r1'], agent: [] } }), {})
  expect(body.messages.map(({ role }) => role)).toEqual(['user', 'user', 'assistant', 'user'])
  expect(body.messages[2]?.session_state).toEqual({
    models: ['deep-seek-r1'],
    layers: 0,
    answer: '',
    answer_is_finished: false,
  })
})
