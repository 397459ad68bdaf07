import type { ChatMessage, ChatRequest, ContentPart, ImagePart } from '../core/chat-request.ts'
import { InvalidRequestError } from '../core/errors.ts'
import type { PublicFileFetcher } from '../upstream/fetch-public-file.ts'

/** Fetches the pictures that a request names by URL, before an account is leased for it.
 *  @throws {InvalidRequestError} `image_url_not_allowed`, `image_fetch_failed`; `invalid_value` for too many of them */
export type ResolveAttachments = (request: ChatRequest, signal: AbortSignal) => Promise<ChatRequest>

export interface AttachmentRooms extends PublicFileFetcher {
  /** Of all fetched pictures of a request together (MAX_BODY_MB). */
  readonly maxBodyBytes: number
}

type UrlPart = Extract<ContentPart, { type: 'image-url' }>

const maxUrls = 32
const atOnce = 4

export function createResolveAttachments({ fetchImage, maxBodyBytes }: AttachmentRooms): ResolveAttachments {
  return async function resolveAttachments(request, signal) {
    const urls = request.messages.flatMap(({ parts }) => parts.filter(isUrl))
    if (urls.length === 0) return request
    if (urls.length > maxUrls) throw tooMany(`at most ${maxUrls} pictures by URL`, urls[maxUrls])
    const fetched = await fetchAll(urls, signal)
    const resolve = (part: ContentPart): ContentPart => (isUrl(part) ? (fetched.get(part) ?? part) : part)
    const messages = request.messages.map(
      (message): ChatMessage => ({ ...message, parts: message.parts.map(resolve) }),
    )
    return { ...request, messages }
  }

  async function fetchAll(urls: readonly UrlPart[], signal: AbortSignal): Promise<Map<UrlPart, ImagePart>> {
    const fetched = new Map<UrlPart, ImagePart>()
    const left = [...urls]
    let bytes = 0
    const fetchOn = async () => {
      for (let part = left.shift(); part; part = left.shift()) {
        const image = await fetchImage(part.url, { param: part.param, signal })
        bytes += Buffer.byteLength(image.base64, 'base64')
        if (bytes > maxBodyBytes) throw tooMany('less: the pictures are too large together', part)
        fetched.set(part, image)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, fetchOn))
    return fetched
  }
}

const isUrl = (part: ContentPart): part is UrlPart => part.type === 'image-url'

const tooMany = (instead: string, part: UrlPart | undefined): InvalidRequestError =>
  new InvalidRequestError('invalid_value', {
    message: `Send ${instead}.`,
    ...(part && { param: part.param }),
  })
