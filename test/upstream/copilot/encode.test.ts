import { expect, test } from 'vitest'
import type { ChatModel, ChatPrompt } from '../../../src/core/chat-request.ts'
import { encodeCopilotMediaRequest, encodeCopilotRequest } from '../../../src/upstream/copilot/encode.ts'
import { imageRequest, videoRequest } from '../media/support.ts'
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

const png = { type: 'image', mimeType: 'image/png', base64: 'iVBORw0=' } as const
const pngPart = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0=' } }

test('gen 1: an image, as in WIRE 4.3', () => {
  const request = imageRequest({
    aspectRatio: '21:9',
    quality: 'hd',
    style: 'vivid',
    imageSize: '2k',
    count: 2,
  })
  const config = {
    model: 'nano-banana-2',
    aspect_ratio: '16:9',
    use_personalized_models: false,
    fashion_profile_id: null,
    hd: true,
    reflection_enabled: false,
    style: 'auto',
    image_size: '2k',
  }
  expect(encodeCopilotMediaRequest(request, { token: 'token-1' })).toEqual({
    type: 'COPILOT_MOA_IMAGE',
    current_query_string: 'type=COPILOT_MOA_IMAGE',
    messages: [{ role: 'user', content: 'A red ball', is_prompt: false, session_state: null }],
    action_params: {},
    user_s_input: 'A red ball',
    extra_data: {
      model_configs: [config, config],
      llm_model: 'gpt-4o',
      imageModelMap: {},
      writingContent: null,
    },
    g_recaptcha_token: 'token-1',
  })
})

test('gen 1: image-to-image goes on with a chat, the picture first', () => {
  const body = encodeCopilotMediaRequest(imageRequest({ images: [png], style: 'anime' }), { chatId: 'p-1' })
  expect(body.current_query_string).toBe('id=p-1&type=COPILOT_MOA_IMAGE')
  expect(body.messages[0]?.content).toEqual([pngPart, { type: 'text', text: 'A red ball' }])
  expect(body.extra_data.model_configs[0]).toMatchObject({ aspect_ratio: 'auto', hd: false, style: 'anime' })
  expect(body).not.toHaveProperty('g_recaptcha_token')
})

test('gen 1: a video, as in WIRE 4.4', () => {
  const body = encodeCopilotMediaRequest(
    videoRequest({ aspectRatio: '9:16', durationS: 8, autoPrompt: true }),
    {},
  )
  expect(body.type).toBe('COPILOT_MOA_VIDEO')
  expect(body.extra_data).toEqual({
    model_configs: [{ model: 'sora-2', aspect_ratio: '9:16', reflection_enabled: true, duration: 8 }],
    imageModelMap: {},
  })
})
