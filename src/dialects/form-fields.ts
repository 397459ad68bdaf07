import { z } from 'zod'
import { invalidValue } from './check-shape.ts'
import { type GivenImage, parseImage, parseImageBytes } from './parse-attachment.ts'

/** A whole number, also in the words of a form. */
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

/** Yes or no, also in the words of a form. */
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

type Given = z.infer<typeof givenImages>

/** @throws {InvalidRequestError} `invalid_value` */
export async function parseImages(
  given: Given | null | undefined,
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
