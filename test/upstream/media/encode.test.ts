import { expect, test } from 'vitest'
import { encodeAgentMediaRequest } from '../../../src/upstream/agent/encode.ts'
import { encodeCopilotMediaRequest } from '../../../src/upstream/copilot/encode.ts'
import { nearestAspectRatio } from '../../../src/upstream/encode-parts.ts'
import { imageRequest, videoRequest } from './support.ts'

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

test.each([
  ['16:9', '16:9'],
  ['1792:1024', '16:9'],
  ['1:2', '9:16'],
  ['1024:1024', '1:1'],
  ['auto', undefined],
  ['16:0', undefined],
  [undefined, undefined],
])('the nearest known ratio to %s is %s', (wanted, nearest) => {
  expect(nearestAspectRatio(wanted, ['9:16', '2:3', '3:4', '1:1', '4:3', '3:2', '16:9'])).toBe(nearest)
})
