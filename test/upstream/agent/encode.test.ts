import { expect, test } from 'vitest'
import type { ChatPrompt } from '../../../src/core/chat-request.ts'
import { encodeAgentMediaRequest, encodeAgentRequest } from '../../../src/upstream/agent/encode.ts'
import { imageRequest, videoRequest } from '../media/support.ts'
import { chatRequest } from '../support.ts'

const uuid = expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)

const history: ChatPrompt = {
  ...chatRequest(),
  messages: [
    { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
    {
      role: 'user',
      parts: [
        { type: 'image', mimeType: 'image/png', base64: 'iVBORw0=' },
        { type: 'text', text: 'What is this?' },
      ],
    },
    { role: 'assistant', parts: [{ type: 'text', text: 'A cat' }] },
    { role: 'user', parts: [{ type: 'text', text: 'Sure?' }] },
  ],
}

test('the body is that of the page, with the whole history', () => {
  const body = encodeAgentRequest(history, { token: 'token-1' })
  expect(body).toEqual({
    type: 'ai_chat',
    ai_chat_model: 'claude-sonnet-5',
    ai_chat_enable_search: false,
    ai_chat_disable_personalization: false,
    use_moa_proxy: false,
    moa_models: [],
    writingContent: null,
    sas_ask_origin: 'typed',
    project_id: null,
    messages: [
      { role: 'system', id: uuid, content: 'Be brief.' },
      {
        role: 'user',
        id: uuid,
        content: [
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0=' } },
          { type: 'text', text: 'What is this?' },
        ],
      },
      { role: 'assistant', id: uuid, content: 'A cat' },
      {
        role: 'user',
        id: uuid,
        content: 'Sure?',
        pending: true,
        sendStatus: 'sending',
        _deepDiveStateNegContent: 'Sure?',
      },
    ],
    user_s_input: 'Sure?',
    client_message_id: body.messages[3]?.id,
    g_recaptcha_token: 'token-1',
    is_private: true,
    push_token: '',
    last_seen_event_index: -1,
    chat_session_id: null,
  })
})

test('a chat goes on with its id; a missing token is left out', () => {
  const body = encodeAgentRequest(history, { chatId: 'p-1' })
  expect(body.project_id).toBe('p-1')
  expect(body.messages).toHaveLength(4)
  expect(body).not.toHaveProperty('g_recaptcha_token')
})

test('search is a switch, a mixture names its lead model and all three', () => {
  const models = ['gpt-5.6-luna', 'claude-sonnet-5', 'gemini-3.7-flash']
  const request = chatRequest({ search: true, mixture: true, upstreamIds: { copilot: [], agent: models } })
  expect(encodeAgentRequest(request, {})).toMatchObject({
    ai_chat_enable_search: true,
    ai_chat_model: 'gpt-5.6-luna',
    use_moa_proxy: true,
    moa_models: models,
  })
})

test('a history without a user message has no new message', () => {
  const body = encodeAgentRequest({ ...history, messages: history.messages.slice(0, 1) }, {})
  expect(body.user_s_input).toBe('')
  expect(body).not.toHaveProperty('client_message_id')
})

const png = { type: 'image', mimeType: 'image/png', base64: 'iVBORw0=' } as const
const pngPart = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0=' } }

test('gen 2: an image, as in WIRE 5.6', () => {
  const request = imageRequest({ aspectRatio: '21:9', imageSize: '4k', images: [png], count: 3 })
  expect(encodeAgentMediaRequest(request, { token: 'token-1' })).toMatchObject({
    type: 'image_generation_agent',
    model_params: {
      type: 'image',
      model: 'gpt-image-2',
      aspect_ratio: '21:9',
      auto_prompt: false,
      style: 'auto',
      image_size: '4k',
      quality: 'auto',
      background_mode: true,
      camera_control: null,
      generation_count: 3,
    },
    project_id: null,
    messages: [{ role: 'user', content: [pngPart, { type: 'text', text: 'A red ball' }] }],
    user_s_input: 'A red ball',
    g_recaptcha_token: 'token-1',
  })
})

test('gen 2: a video, as in WIRE 5.7, its duration in words', () => {
  expect(encodeAgentMediaRequest(videoRequest({ durationS: 8 }), {}).model_params).toEqual({
    type: 'video',
    model: 'sora-2',
    aspect_ratio: '16:9',
    duration: '8',
    video_size: 'auto',
    generation_count: 1,
  })
})

test('FINDINGS U16: gpt-image-2.5 is asked with its tier', () => {
  const ofModel = (agent: string) =>
    encodeAgentMediaRequest(
      imageRequest({ model: { id: agent, kind: 'image', upstreamIds: { copilot: agent, agent } } }),
      {},
    )
  expect(ofModel('gpt-image-2.5')).toMatchObject({ model_params: { tier: 'flare' } })
  expect(ofModel('gpt-image-2')).not.toHaveProperty('model_params.tier')
})
