import { z } from 'zod'

const callId = z.string().regex(/^[\w-]+$/)

/** The published bodies of both chat styles as far as this surface is known to take them; other fields go unread. */
export const openAiBody = z.looseObject({
  model: z.string().min(1),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
        content: z
          .union([
            z.string(),
            z
              .array(
                z.discriminatedUnion('type', [
                  z.looseObject({ type: z.literal('text'), text: z.string() }),
                  z.looseObject({
                    type: z.literal('image_url'),
                    image_url: z.looseObject({ url: z.string() }),
                  }),
                  z.looseObject({ type: z.literal('file'), file: z.looseObject({}) }),
                ]),
              )
              .min(1),
          ])
          .nullish(),
      }),
    )
    .min(1),
  /** The proxy wants the other name (WIRE 11). */
  max_completion_tokens: z.undefined().optional(),
  tools: z.array(z.looseObject({ type: z.literal('function'), function: z.looseObject({}) })).optional(),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).optional(),
})

export const anthropicBody = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  system: z
    .union([z.string(), z.array(z.looseObject({ type: z.literal('text'), text: z.string() }))])
    .optional(),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['user', 'assistant']),
        content: z.union([
          z.string(),
          z
            .array(
              z.discriminatedUnion('type', [
                z.looseObject({ type: z.literal('text'), text: z.string() }),
                z.looseObject({
                  type: z.literal('tool_use'),
                  id: callId,
                  name: z.string(),
                  input: z.looseObject({}),
                }),
                z.looseObject({ type: z.literal('tool_result'), tool_use_id: callId }),
                z.looseObject({ type: z.literal('thinking'), signature: z.literal('canned') }),
                z.looseObject({ type: z.literal('image'), source: z.looseObject({ type: z.string() }) }),
                z.looseObject({ type: z.literal('document'), source: z.looseObject({ type: z.string() }) }),
              ]),
            )
            .min(1),
        ]),
      }),
    )
    .min(1),
  stream: z.boolean().optional(),
})

export const geminiBody = z.looseObject({
  contents: z
    .array(z.looseObject({ role: z.enum(['user', 'model']), parts: z.array(z.looseObject({})).min(1) }))
    .min(1),
})

/** Whether a value outside of an enum is refused or replaced is not known: here it is refused (WIRE 11.4; 12). */
const imageTool = z.strictObject({
  query: z.string().min(1),
  model: z
    .enum([
      'gpt-image-2',
      'nano-banana-pro',
      'nano-banana-2',
      'nano-banana-2-flash-lite',
      'fal-ai/bytedance/seedream/v5/lite',
      'fal-ai/bytedance/seedream/v5/pro',
      'xai/grok-imagine-image',
      'qwen-image-3',
      'fal-ai/flux-2-pro',
      'fal-ai/z-image/turbo',
    ])
    .optional(),
  aspect_ratio: z.enum(['1:1', '4:3', '16:9', '9:16', '3:4', '2:3', '3:2', 'auto']).optional(),
  image_size: z.enum(['auto', '0.5k', '1k', '2k', '3k', '4k']).optional(),
  image_urls: z
    .array(z.string().regex(/^(?:https?:|data:|\/api\/files\/)/))
    .max(14)
    .optional(),
})

const videoTool = z.strictObject({
  query: z.string().min(1),
  model: z.enum([
    ...([
      'kling/v3',
      'kling/o3',
      'gemini/veo3.1',
      'gemini/omni-flash',
      'minimax/h3',
      'minimax/h3-max',
    ] as const),
    ...(['wan/v2.7', 'wan/v3.0', 'vidu/q3', 'runway/gen4_turbo', 'pixverse/v6', 'pixverse/c1'] as const),
    ...([
      'fal-ai/bytedance/seedance-2.0',
      'fal-ai/bytedance/seedance-2.5',
      'xai/grok-imagine-video',
      'alibaba/happy-horse',
      'bfl/flux-3-preview-high',
    ] as const),
  ]),
  aspect_ratio: z
    .enum(['auto', '16:9', '9:16', '1:1', '4:3', '3:4', '2:1', '3:2', '2:3', '21:9', '9:21', '5:4', '4:5'])
    .optional(),
  duration: z.number().optional(),
  video_size: z.enum(['auto', '480p', '720p', '768p', '1080p', '2K', '4k']).optional(),
  tier: z.enum(['standard', 'fast', 'mini', 'pro', 'turbo', 'max']).optional(),
  audio_enable: z.boolean().optional(),
  image_urls: z.array(z.string()).optional(),
})

const audioTool = z.strictObject({
  prompt: z.string().min(1),
  model: z.enum([
    ...(['google/gemini-3.1-flash-tts-preview', 'google/lyria-music', 'bytedance/seed-audio-1.0'] as const),
    ...(['alibaba/qwen-audio-3-tts', 'elevenlabs/v3-tts', 'elevenlabs/v4-tts', 'elevenlabs/music'] as const),
    ...([
      'fal-ai/elevenlabs/tts/multilingual-v2',
      'fal-ai/minimax/speech-2.8-hd',
      'fal-ai/vibevoice/7b',
    ] as const),
  ]),
  audio_type: z.enum(['speech', 'music', 'sound_effect']).optional(),
  params: z.looseObject({}).optional(),
  duration: z.number().optional(),
  lyrics: z.string().optional(),
})

const transcribeTool = z.strictObject({
  audio_urls: z.array(z.string().min(1)).min(1),
  model: z.enum(['whisper-1', 'gemini-3-flash-preview', 'elevenlabs_scribe_v2']).optional(),
  prompt: z.string().optional(),
})

/** The published schemas; the fields of other tools are their own. */
export const toolBodies: Readonly<Record<string, z.ZodType<Record<string, unknown>>>> = {
  image_generation: imageTool,
  video_generation: videoTool,
  audio_generation: audioTool,
  audio_transcribe: transcribeTool,
}

/** The fields of a tool are its own. */
export const toolBody = z.record(z.string(), z.unknown())
