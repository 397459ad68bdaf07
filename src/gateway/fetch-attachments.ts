import type { ContentPart, ImagePart } from '../core/chat-request.ts'
import { InvalidRequestError } from '../core/errors.ts'
import type { PublicFileFetcher } from '../upstream/fetch-public-file.ts'
import type { GatewayCall } from './attempt.ts'

type UrlPart = Extract<ContentPart, { type: 'image-url' }>

/** Replaces each picture that a client names by URL with the picture itself, before an account is leased.
 *  @throws {InvalidRequestError} `image_url_not_allowed`, `image_fetch_failed`; `invalid_value` for too many of them
 *  @throws {UnavailableError} `overloaded` */
export type FetchAttachments = <Part extends ContentPart>(
  parts: readonly Part[],
  call: Pick<GatewayCall, 'signal' | 'takeMemory'>,
) => Promise<readonly (Exclude<Part, UrlPart> | ImagePart)[]>

export interface FetchAttachmentsOptions extends PublicFileFetcher {
  /** Of all fetched pictures of a request together (MAX_BODY_MB). */
  readonly maxBodyBytes: number
}

const maxUrls = 32
const atOnce = 4

export function createFetchAttachments(options: FetchAttachmentsOptions): FetchAttachments {
  const { fetchImage, maxBodyBytes } = options

  return async function fetchAttachments(parts, call) {
    const urls = (parts as readonly ContentPart[]).filter(isUrl)
    if (urls.length === 0) return parts as readonly Exclude<(typeof parts)[number], UrlPart>[]
    if (urls.length > maxUrls) throw tooMany(`at most ${maxUrls} pictures by URL`, urls[maxUrls])
    const fetched = await fetchAll(urls, call)
    return parts.map((part) => fetched.get(part) ?? (part as Exclude<typeof part, UrlPart>))
  }

  /** A failure of one stops the others. */
  async function fetchAll(
    urls: readonly UrlPart[],
    { signal, takeMemory }: Parameters<FetchAttachments>[1],
  ): Promise<Map<unknown, ImagePart>> {
    const fetched = new Map<unknown, ImagePart>()
    const failed = new AbortController()
    const cut = AbortSignal.any([signal, failed.signal])
    const left = [...urls]
    let bytes = 0
    const fetchOn = async () => {
      for (let part = left.shift(); part; part = left.shift()) {
        const image = await fetchImage(part.url, {
          param: part.param,
          signal: cut,
          ...(takeMemory && { takeMemory }),
        })
        bytes += Buffer.byteLength(image.base64, 'base64')
        if (bytes > maxBodyBytes) throw tooMany('less: the pictures are too large together', part)
        fetched.set(part, image)
      }
    }
    try {
      await Promise.all(Array.from({ length: atOnce }, fetchOn))
      return fetched
    } catch (error) {
      failed.abort(error)
      throw error
    }
  }
}

const isUrl = (part: ContentPart): part is UrlPart => part.type === 'image-url'

const tooMany = (instead: string, part: UrlPart | undefined): InvalidRequestError =>
  new InvalidRequestError('invalid_value', {
    message: `Send ${instead}.`,
    ...(part && { param: part.param }),
  })
