import type { ImagePart } from '../core/chat-request.ts'
import type { GivenImage } from '../dialects/parse-attachment.ts'
import type { GatewayCall } from '../gateway/attempt-loop.ts'
import type { AppServices } from './app-services.ts'
import type { RequestContext } from './request-state.ts'

/** Fetches the pictures that were given by URL, before an account is leased for them.
 *  @throws {InvalidRequestError} `image_url_not_allowed`, `image_fetch_failed` */
export function loadImages(
  { fetchImage }: Pick<AppServices, 'fetchImage'>,
  images: readonly GivenImage[],
  signal: AbortSignal,
): Promise<readonly ImagePart[]> {
  return Promise.all(
    images.map((image) =>
      image.type === 'image' ? image : fetchImage(image.url, { param: image.param, signal }),
    ),
  )
}

/** The call of a client that waits for files. Nothing is written until they are there, so TCP itself has to tell whoever is in
 *  between that the connection lives. */
export function beginMediaCall({ req, state }: RequestContext): GatewayCall {
  req.socket.setKeepAlive(true, keepAliveMs)
  return { requestId: state.requestId, signal: state.signal }
}

const keepAliveMs = 30_000
