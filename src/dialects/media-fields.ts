import { z } from 'zod'
import { InvalidRequestError } from '../core/errors.ts'
import type { MediaModel } from '../core/media-request.ts'
import { type GivenImage, parseImage, parseImageBytes } from './attachments.ts'
import { invalidValue } from './check-shape.ts'

/** A chat takes an unknown name for a mixture of models; no mixture makes images or videos, so here it is refused.
 *  @throws {InvalidRequestError} `model_not_found` */
export function resolveMediaModel(
  name: string,
  resolve: (name: string) => MediaModel | undefined,
): MediaModel {
  const model = resolve(name)
  if (model) return model
  throw new InvalidRequestError('model_not_found', {
    message: `There is no such model here: ${JSON.stringify(name)}. GET /v1/models lists those that there are.`,
    param: 'model',
  })
}

/** A whole number; in a form it is a string. */
export function formNumber(min: number, max: number) {
  return z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\d{1,6}$/)
          .transform(Number),
      ],
      { error: 'expected a whole number' },
    )
    .pipe(z.number().int().min(min).max(max))
}

/** A boolean; in a form it is a string. */
export const formBoolean = z.union([
  z.boolean(),
  z.enum(['true', 'false']).transform((text) => text === 'true'),
])

/** A URL, a data URL or base64; an uploaded file; or a URL in OpenAI's object. */
const givenImage = z.union(
  [z.string(), z.instanceof(Uint8Array), z.object({ image_url: z.string() }), z.object({ url: z.string() })],
  { error: 'expected a file, a URL, a data URL or base64' },
)

/** One picture or several. */
export const givenImages = z.union([givenImage, z.array(givenImage).max(16)], {
  error: 'expected a file, a URL, a data URL or base64, or at most 16 of them',
})

/** @throws {InvalidRequestError} `invalid_value` */
export async function parseImages(
  given: z.infer<typeof givenImages> | null | undefined,
  at: string,
): Promise<readonly GivenImage[]> {
  if (given === null || given === undefined || given === '') return []
  if (!Array.isArray(given)) return [await parseGiven(given, at)]
  const images: GivenImage[] = []
  for (const [index, each] of given.entries()) images.push(await parseGiven(each, `${at}[${index}]`))
  return images
}

function parseGiven(given: z.infer<typeof givenImage>, at: string): Promise<GivenImage> {
  if (given instanceof Uint8Array) return parseImageBytes(given, at)
  if (typeof given === 'string') return parseImage(given, at, { bare: true })
  if ('image_url' in given) return parseImage(given.image_url, `${at}.image_url`)
  if ('url' in given) return parseImage(given.url, `${at}.url`)
  throw invalidValue(at, 'expected a picture')
}
