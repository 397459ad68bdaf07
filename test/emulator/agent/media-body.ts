import { z } from 'zod'
import { type AskShape, parseBody } from '../ask-shape.ts'
import { checkFrame, frame, frameShape } from './frame.ts'

/** Reads an image ask (WIRE 5.6). @throws {RefusedBody} */
export function parseImageBody(body: unknown): AskShape {
  const parsed = parseBody(imageBody, body)
  return { ...frameShape(parsed), ...mediaShape('image', parsed.model_params) }
}

/** Reads a video ask (WIRE 5.7). @throws {RefusedBody} */
export function parseVideoBody(body: unknown): AskShape {
  const parsed = parseBody(videoBody, body)
  return { ...frameShape(parsed), ...mediaShape('video', parsed.model_params) }
}

function mediaShape(kind: 'image' | 'video', params: { model: string; generation_count: number }) {
  const wanted = Array.from({ length: params.generation_count }, () => params)
  return { kind, models: [params.model], wanted, search: false }
}

const aspectRatios = [
  ...(['auto', '21:9', '2:1', '16:9', '3:2', '4:3', '1:1', '3:4', '2:3'] as const),
  ...(['9:16', '1:2', '9:21', '5:4', '4:5'] as const),
]

const imageParams = z
  .strictObject({
    type: z.literal('image'),
    model: z.string().min(1),
    aspect_ratio: z.enum(aspectRatios),
    auto_prompt: z.boolean(),
    style: z.string().min(1),
    image_size: z.string().regex(/^(?:auto|0\.5k|[1-4]k)$/i),
    quality: z.string().min(1).optional(),
    background_mode: z.literal(true),
    camera_control: z
      .strictObject({ yaw: z.number(), tilt: z.number(), zoom: z.number(), wide_angle_lens: z.boolean() })
      .nullish(),
    generation_count: z.int().min(1).max(10),
    tier: z.literal('flare').optional(),
  })
  .refine(({ tier, model }) => tier === undefined || model === 'gpt-image-2.5', {
    path: ['tier'],
    error: 'only with gpt-image-2.5',
  })

const videoParams = z.strictObject({
  type: z.literal('video'),
  model: z.string().min(1),
  aspect_ratio: z.enum(aspectRatios),
  duration: z.string().regex(/^\d+$/),
  tier: z.string().optional(),
  character_orientation: z.string().optional(),
  video_size: z.string().min(1),
  generation_count: z.int().min(1).max(10),
})

/** The chat frame without the `ai_chat_*` fields; what one client keeps of them is always false. */
const mediaFrame = {
  ...frame,
  writingContent: z.null().optional(),
  is_private: z.boolean().optional(),
  use_moa_proxy: z.literal(false).optional(),
  moa_models: z.array(z.never()).optional(),
  ai_chat_enable_search: z.literal(false).optional(),
}

const imageBody = z
  .strictObject({ ...mediaFrame, type: z.literal('image_generation_agent'), model_params: imageParams })
  .check(checkFrame)

const videoBody = z
  .strictObject({
    ...mediaFrame,
    type: z.literal('video_generation_agent'),
    models: z.array(z.string().min(1)).min(1).optional(),
    model_params: videoParams,
  })
  .check(checkFrame)
