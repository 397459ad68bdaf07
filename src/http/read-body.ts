import type { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import inflate from 'inflation'
import { type ErrorCode, InvalidRequestError, ServiceError } from '../core/errors.ts'
import type { RequestContext } from './request-state.ts'

const maxDepth = 100

/** Reads a JSON body of at most `maxBytes`, compressed or not.
 *  @throws {InvalidRequestError} unsupported_media_type | request_too_large | json_too_deep | invalid_json
 *  @throws {UnavailableError} overloaded
 *  @throws `signal.reason` when the client leaves while it sends */
export async function readJson(context: RequestContext, maxBytes: number): Promise<unknown> {
  if (!isJsonType(context.get('content-type'))) throw new InvalidRequestError('unsupported_media_type')
  const bytes = await readBody(context, maxBytes, 'invalid_json')
  if (exceedsDepth(bytes, maxDepth)) {
    throw new InvalidRequestError('json_too_deep', {
      message: `The request body is nested deeper than ${maxDepth} levels.`,
    })
  }
  context.bodyBudget?.takeValues(context, bytes)
  return parseJson(bytes)
}

/** Reads a body, JSON unless `read` says otherwise, and has it parsed. A function of its own, so that nobody holds what was read
 *  while the request is answered: a handler's variables live as long as it waits. */
export async function parseBody<Parsed>(
  context: RequestContext,
  maxBytes: number,
  parse: (body: unknown) => Parsed | Promise<Parsed>,
  read: (context: RequestContext, maxBytes: number) => Promise<unknown> = readJson,
): Promise<Parsed> {
  return parse(await read(context, maxBytes))
}

/** A type left out is taken for JSON, and `text/plain` too: browsers and small scripts send it. */
function isJsonType(contentType: string): boolean {
  return !contentType || /^(application|text)\/([\w.-]+\+)?json\b|^text\/plain\b/i.test(contentType)
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

/** Reads a whole request body, compressed or not.
 *  @param maxBytes  after decompression
 *  @param brokenCode  what a body is called that ends early or cannot be decompressed
 *  @throws {InvalidRequestError} unsupported_media_type | request_too_large | `brokenCode`
 *  @throws {UnavailableError} overloaded: it does not fit beside the bodies of other requests
 *  @throws `signal.reason` when the client leaves while it sends */
export async function readBody(
  context: RequestContext,
  maxBytes: number,
  brokenCode: ErrorCode,
): Promise<Buffer> {
  const { req } = context
  const { signal } = context.state
  if (Number(req.headers['content-length']) > maxBytes) throw tooLarge(maxBytes)
  const stream = decompress(req)
  // A pipe does not pass on that its source broke off.
  const stop = () => void stream.destroy(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await collect(context, stream, maxBytes)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    drop(req)
    throw translateReadError(error, brokenCode)
  } finally {
    signal.removeEventListener('abort', stop)
    if (stream !== req) stream.destroy()
  }
}

/** What is left of a body that is refused is read and dropped: a client that cannot send it would neither see its answer nor be able
 *  to use the connection again. */
function drop(request: RequestContext['req']): void {
  request.unpipe()
  request.resume()
}

/** The bytes of a stream, each read counted in the budget before it is kept. */
function collect(context: RequestContext, stream: Readable, maxBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const { bodyBudget } = context
  const chunks: Buffer[] = []
  let length = 0
  const end = () => {
    const [only] = chunks
    resolve(chunks.length === 1 && only ? only : Buffer.concat(chunks, length))
  }
  const broken = () => {
    if (!stream.readableEnded) reject(new Error('the body ended early'))
  }
  const read = (chunk: Buffer) => {
    try {
      length += chunk.length
      if (length > maxBytes) throw tooLarge(maxBytes)
      bodyBudget?.take(context, chunk.length)
      chunks.push(chunk)
    } catch (error) {
      stream.off('data', read)
      chunks.length = 0
      reject(error)
    }
  }
  stream.on('data', read).once('end', end).once('error', reject).once('close', broken)
  return promise
}

function decompress(request: RequestContext['req']): Readable {
  if (/^zstd$/i.test(request.headers['content-encoding'] ?? '')) return request.pipe(createZstdDecompress())
  try {
    return inflate(request)
  } catch (cause) {
    drop(request)
    throw new InvalidRequestError('unsupported_media_type', {
      message: 'This Content-Encoding is not known. Send gzip, deflate, br, zstd or none.',
      cause,
    })
  }
}

function translateReadError(error: unknown, brokenCode: ErrorCode): unknown {
  if (!(error instanceof Error) || error instanceof ServiceError) return error
  // zlib's own: bad or cut compressed data. Everything else that goes wrong here is the client's connection.
  const message =
    'code' in error && /^(Z_|ZSTD_|ERR_BROTLI|ERR_ZSTD|ERR__ERROR)/.test(String(error.code))
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

const quote = 0x22
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Is this JSON text nested deeper than `maxDepth`? One cheap pass before anything is built of it; text that is not JSON gets
 *  some answer and is left to the parser. */
export function exceedsDepth(bytes: Buffer, maxDepth: number): boolean {
  let depth = 0
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index]
    if (byte === quote) index = endOfString(bytes, index + 1)
    else if (byte === openBracket || byte === openBrace) {
      depth += 1
      if (depth > maxDepth) return true
    } else if (byte === closeBracket || byte === closeBrace) depth -= 1
  }
  return false
}

/** Most strings are short, and for those a call out of JavaScript costs more than this many bytes; a picture is one string of
 *  megabytes. */
const shortStringBytes = 48

/** @returns the index of the closing quote, or the end */
function endOfString(bytes: Buffer, start: number): number {
  let index = start
  const shortEnd = Math.min(start + shortStringBytes, bytes.length)
  for (; index < shortEnd; index += 1) {
    const byte = bytes[index]
    if (byte === quote) return index
    if (byte === backslash) index += 1
  }
  for (;;) {
    const end = bytes.indexOf(quote, index)
    if (end === -1) return bytes.length
    // A quote behind an odd number of backslashes is part of the string.
    let escapes = 0
    while (end - escapes > index && bytes[end - 1 - escapes] === backslash) escapes += 1
    if (escapes % 2 === 0) return end
    index = end + 1
  }
}
