// Dialect `openai-videos`: the seed's one-shot form and OpenAI's task form, parsed and encoded.
// Pure: touches `core` and zod, knows no HTTP.

import { z } from 'zod'
import type { MediaModel, VideoRequest } from '../../core/media-request.ts'
import { ratioOf, readPixels, readRatio } from '../aspect-ratio.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { formBoolean, formNumber, givenImages, parseImages } from '../form-fields.ts'
import type { GivenImage } from '../parse-attachment.ts'
import { resolveMediaModel } from '../resolve-media-model.ts'

export interface ParsedVideoRequest {
  readonly video: Omit<VideoRequest, 'images'>
  readonly images: readonly GivenImage[]
  /** As asked. */
  readonly size: string | undefined
}

/** One parser for both forms: the seed's `aspect_ratio`, `duration`, `auto_prompt`, `image` and OpenAI's `size`, `seconds`,
 *  `input_reference`. Fields that are not read here are ignored.
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault, `model_not_found` */
export async function parseVideoRequest(
  body: unknown,
  resolve: (name: string) => MediaModel | undefined,
): Promise<ParsedVideoRequest> {
  const request = checkShape(requestSchema, body)
  const { image, input_reference, aspect_ratio } = request
  const size = request.size || undefined
  return {
    video: {
      kind: 'video',
      model: resolveMediaModel(request.model ?? defaultModel, resolve),
      prompt: request.prompt,
      aspectRatio: aspect_ratio ? readRatio(aspect_ratio, 'aspect_ratio') : size && readSize(size),
      durationS: request.duration ?? request.seconds ?? undefined,
      autoPrompt: request.auto_prompt ?? false,
    },
    images: [
      ...(await parseImages(image, 'image')),
      ...(await parseImages(input_reference, 'input_reference')),
    ],
    size,
  }
}

/** What OpenAI's SDK takes when none is named. */
const defaultModel = 'sora-2'

const word = z.string().trim().max(64).nullish()
const seconds = formNumber(1, 600).nullish()

const requestSchema = z.object({
  model: z.string().trim().min(1).max(256).nullish(),
  prompt: z.string().trim().min(1).max(100_000),
  aspect_ratio: word,
  size: word,
  duration: seconds,
  seconds,
  auto_prompt: formBoolean.nullish(),
  image: givenImages.nullish(),
  input_reference: givenImages.nullish(),
})

function readSize(size: string): string | undefined {
  const pixels = readPixels(size)
  if (pixels) return ratioOf(pixels.width, pixels.height)
  if (size === 'auto' || size.includes(':')) return readRatio(size, 'size')
  throw invalidValue('size', 'expected WIDTHxHEIGHT, e.g. 1280x720')
}
