import type { Readable } from 'node:stream'
import inflate from 'inflation'
import getRawBody from 'raw-body'
import { type ErrorCode, InvalidRequestError } from '../core/errors.ts'
import type { RequestContext } from './request-state.ts'

/** Reads a whole request body, compressed or not.
 *  @param maxBytes  after decompression
 *  @param brokenCode  what a body is called that ends early or cannot be decompressed
 *  @throws {InvalidRequestError} unsupported_media_type | request_too_large | `brokenCode`
 *  @throws `signal.reason` when the client leaves while it sends */
export async function readBody(
  { req, state: { signal } }: RequestContext,
  maxBytes: number,
  brokenCode: ErrorCode,
): Promise<Buffer> {
  if (Number(req.headers['content-length']) > maxBytes) throw tooLarge(maxBytes)
  const stream = decompress(req)
  // A pipe does not pass on that its source broke off.
  const stop = () => void stream.destroy(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await getRawBody(stream, { limit: maxBytes })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw translateReadError(error, maxBytes, brokenCode)
  } finally {
    signal.removeEventListener('abort', stop)
    if (stream !== req) stream.destroy()
  }
}

function decompress(request: RequestContext['req']): Readable {
  try {
    return inflate(request)
  } catch (cause) {
    throw new InvalidRequestError('unsupported_media_type', {
      message: 'This Content-Encoding is not known. Send gzip, deflate, br or none.',
      cause,
    })
  }
}

function translateReadError(error: unknown, maxBytes: number, brokenCode: ErrorCode): unknown {
  if (!(error instanceof Error)) return error
  if ('type' in error && error.type === 'entity.too.large') return tooLarge(maxBytes)
  // zlib's own: bad or cut compressed data. Everything else that goes wrong here is the client's connection.
  const message =
    'code' in error && /^(Z_|ERR_BROTLI|ERR__ERROR)/.test(String(error.code))
      ? 'The request body cannot be decompressed.'
      : 'The request body ended early.'
  return new InvalidRequestError(brokenCode, { message, cause: error })
}

function tooLarge(maxBytes: number): InvalidRequestError {
  const mebibytes = Math.round((maxBytes / 1024 / 1024) * 10) / 10
  return new InvalidRequestError('request_too_large', {
    message: `The request body is larger than ${mebibytes} MB. The operator can raise MAX_BODY_MB.`,
  })
}
