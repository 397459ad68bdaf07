// Dialect `openai-images`: the Images format (generations and edits), parsed and encoded.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP.

import { z } from 'zod'
import type { ImageRequest, MediaModel } from '../core/media-request.ts'
import type { GivenImage } from './attachments.ts'
import { checkShape, invalidValue } from './check-shape.ts'
import { formNumber, givenImages, parseImages, resolveMediaModel } from './media-fields.ts'
import { readRatio, readSize } from './size.ts'

export interface ParsedImageRequest {
  readonly image: Omit<ImageRequest, 'images'>
  readonly images: readonly GivenImage[]
  readonly responseFormat: (typeof responseFormats)[number]
}

export interface ParseImageOptions {
  readonly resolve: (name: string) => MediaModel | undefined
  /** An edit is of a picture. */
  readonly imageRequired: boolean
}

/** Reads a body of JSON or of a form, whose files are bytes. Fields that are not read here are ignored.
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault, `model_not_found` */
export async function parseImageRequest(
  body: unknown,
  { resolve, imageRequired }: ParseImageOptions,
): Promise<ParsedImageRequest> {
  const request = checkShape(requestSchema, body)
  if (request.stream === true || request.stream === 'true')
    throw invalidValue('stream', 'image streaming is not supported')
  if (request.mask !== undefined && request.mask !== null && request.mask !== '')
    throw invalidValue('mask', 'masks are not supported: Genspark edits the whole image; leave it out')
  const model = resolveMediaModel(request.model ?? defaultModel, resolve)
  const images = await parseImages(request.image ?? request.images, request.image ? 'image' : 'images')
  if (imageRequired && images.length === 0) throw invalidValue('image', 'expected the image to edit')
  const { size, image_size, aspect_ratio } = request
  const shape = readSize(size ?? image_size ?? undefined, size ? 'size' : 'image_size')
  return {
    image: {
      kind: 'image',
      model,
      prompt: request.prompt,
      count: request.n ?? request.batch_size ?? 1,
      aspectRatio: aspect_ratio ? readRatio(aspect_ratio, 'aspect_ratio') : shape.aspectRatio,
      imageSize: shape.imageSize,
      quality: withoutDefaults(request.quality),
      style: withoutDefaults(request.style),
    },
    images,
    responseFormat: request.response_format ?? defaultFormat(request.model),
  }
}

/** OpenAI's GPT image models know no `response_format` and always answer with the bytes. */
const defaultFormat = (model: string | null | undefined) =>
  /^(?:openai\/)?(?:gpt-image|chatgpt-image)/i.test(model ?? '') ? 'b64_json' : 'url'

/** The one that every client knows; the catalogue says what it is today. */
const defaultModel = 'dall-e-3'

const responseFormats = ['url', 'b64_json'] as const

const word = z.string().max(64).nullish()
const count = formNumber(1, 10).nullish()

const requestSchema = z.object({
  model: z.string().trim().min(1).max(256).nullish(),
  prompt: z.string().trim().min(1).max(100_000),
  n: count,
  batch_size: count,
  size: word,
  image_size: word,
  aspect_ratio: word,
  quality: word,
  style: word,
  response_format: z.enum(responseFormats).nullish(),
  image: givenImages.nullish(),
  images: givenImages.nullish(),
  mask: z.unknown().optional(),
  stream: z.unknown().optional(),
})

/** OpenAI's values of `quality` and `style` mean nothing to the site: it has its own. */
function withoutDefaults(given: string | null | undefined): string | undefined {
  return given && !openAiValues.has(given) ? given : undefined
}

const openAiValues: ReadonlySet<string> = new Set(['auto', 'standard', 'vivid', 'natural'])

/** A picture as the client asked for it: where it is, or its bytes in base64 without a head. */
export interface EncodedImage {
  readonly url?: string
  readonly b64_json?: string
  readonly revised_prompt?: string
}

/** @param created  epoch seconds */
export function encodeImages(created: number, data: readonly EncodedImage[]) {
  return { created, data }
}
