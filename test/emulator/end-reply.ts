import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'

/** The stream of a request that came over HTTP/2, whose requests and responses otherwise look like HTTP/1.1's. */
export const http2StreamOf = (message: IncomingMessage | ServerResponse): ServerHttp2Stream | undefined =>
  (message as unknown as Partial<Http2ServerResponse>).stream

/** Breaks an answer off so that its reader gets an error: a TCP reset; over HTTP/2 RST_STREAM, which ends this stream alone. */
export function resetReply(response: ServerResponse): void {
  const stream = http2StreamOf(response)
  if (!stream) return void response.socket?.resetAndDestroy()
  stream.close(constants.NGHTTP2_INTERNAL_ERROR)
}

/** The same without a word of TCP: the connection just closes. */
export function dropReply(response: ServerResponse): void {
  if (http2StreamOf(response)) resetReply(response)
  else response.destroy()
}

/** Ends the connection in the middle of an answer; over HTTP/2 all of its streams go with it. */
export function hangUp(response: ServerResponse): void {
  const stream = http2StreamOf(response)
  if (stream) stream.session?.destroy()
  else response.destroy()
}

/** Once it is closed: has all of it left? */
export function isWhole(response: ServerResponse): boolean {
  const stream = http2StreamOf(response)
  return response.writableFinished && (stream === undefined || stream.rstCode === constants.NGHTTP2_NO_ERROR)
}

/** Can nothing be written to it any more? */
export function isGone(response: ServerResponse): boolean {
  const stream = http2StreamOf(response)
  return stream ? stream.destroyed || stream.closed : (response.socket?.destroyed ?? true)
}
