import type { Readable } from 'node:stream'
import inflate from 'inflation'
import getRawBody from 'raw-body'
import { InvalidRequestError } from '../core/errors.ts'
import { exceedsDepth } from './exceeds-depth.ts'
import type { RequestContext } from './request-state.ts'

const maxDepth = 100

/** Reads a JSON body of at most `maxBytes`, compressed or not.
 *  @throws {InvalidRequestError} unsupported_media_type | request_too_large | json_too_deep | invalid_json
 *  @throws `signal.reason` when the client leaves while it sends */
export async function readJson(context: RequestContext, maxBytes: number): Promise<unknown> {
  if (!isJsonType(context.get('content-type'))) throw new InvalidRequestError('unsupported_media_type')
  const bytes = await readBytes(context, maxBytes)
  if (exceedsDepth(bytes, maxDepth)) {
    throw new InvalidRequestError('json_too_deep', {
      message: `The request body is nested deeper than ${maxDepth} levels.`,
    })
  }
  return parseJson(bytes)
}

/** A type left out is taken for JSON, and `text/plain` too: browsers and small scripts send it. */
function isJsonType(contentType: string): boolean {
  return !contentType || /^(application|text)\/([\w.-]+\+)?json\b|^text\/plain\b/i.test(contentType)
}

async function readBytes({ req, state: { signal } }: RequestContext, maxBytes: number): Promise<Buffer> {
  if (Number(req.headers['content-length']) > maxBytes) throw tooLarge(maxBytes)
  const stream = decompress(req)
  // A pipe does not pass on that its source broke off.
  const stop = () => void stream.destroy(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await getRawBody(stream, { limit: maxBytes })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw translateReadError(error, maxBytes)
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

function translateReadError(error: unknown, maxBytes: number): unknown {
  if (!(error instanceof Error)) return error
  if ('type' in error && error.type === 'entity.too.large') return tooLarge(maxBytes)
  // zlib's own: bad or cut compressed data. Everything else that goes wrong here is the client's connection.
  const message =
    'code' in error && /^(Z_|ERR_BROTLI|ERR__ERROR)/.test(String(error.code))
      ? 'The request body cannot be decompressed.'
      : 'The request body ended early.'
  return new InvalidRequestError('invalid_json', { message, cause: error })
}

function tooLarge(maxBytes: number): InvalidRequestError {
  const mebibytes = Math.round((maxBytes / 1024 / 1024) * 10) / 10
  return new InvalidRequestError('request_too_large', {
    message: `The request body is larger than ${mebibytes} MB. The operator can raise MAX_BODY_MB.`,
  })
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    throw new InvalidRequestError('invalid_json', { message: describeJsonError(cause, bytes), cause })
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** V8 quotes the body in some of its messages: only the position is taken from them. */
function describeJsonError(error: unknown, bytes: Buffer): string {
  if (bytes.length === 0) return 'The request body is empty. Send a JSON object.'
  if (!(error instanceof SyntaxError)) return 'The request body is not valid UTF-8.'
  const position = /at position (\d+)/.exec(error.message)?.[1]
  if (position) return `The request body is not valid JSON (at character ${position}).`
  if (/^Unexpected end/.test(error.message)) return 'The request body is not valid JSON: it ends early.'
  return 'The request body is not valid JSON.'
}
