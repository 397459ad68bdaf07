import { pipeline } from 'node:stream/promises'
import { UpstreamError } from '../core/errors.ts'
import type { SiteFile } from '../upstream/upstream.ts'
import type { RequestContext } from './request-state.ts'

/** Streams a file of the site, or the range of it that is asked for (Safari plays no video without), read no faster than the
 *  client takes it. A file that breaks off breaks the connection, so that half of it is not taken for the whole.
 *  @param fallbackType  where the site does not say a type that can be shown safely */
export async function sendFile(context: RequestContext, file: SiteFile, fallbackType: string): Promise<void> {
  const { res, state } = context
  const { status, headers, body } = partOf(file, context.get('if-range') ? '' : context.get('range'))
  context.respond = false
  res.writeHead(status, {
    'Content-Type': file.contentType && isMediaType(file.contentType) ? file.contentType : fallbackType,
    ...headers,
    'Cache-Control': 'private, max-age=3600',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'Cross-Origin-Resource-Policy': 'cross-origin',
  })
  if (!body || context.method === 'HEAD') {
    res.end()
    await file.body[Symbol.asyncIterator]().return?.()
    return
  }
  try {
    await pipeline(body, res, { signal: state.signal })
  } catch (error) {
    throw state.signal.aborted ? state.signal.reason : error
  }
}

interface FilePart {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number>>
  readonly body?: AsyncIterable<Uint8Array>
}

/** A range can be cut only out of a file whose length is known. */
function partOf({ contentLength, body }: SiteFile, rangeHeader: string): FilePart {
  if (contentLength === undefined) return { status: 200, headers: { 'Accept-Ranges': 'none' }, body }
  const range = readRange(rangeHeader, contentLength)
  const accepts = { 'Accept-Ranges': 'bytes' }
  if (!range) return { status: 200, headers: { ...accepts, 'Content-Length': contentLength }, body }
  if (range === 'unsatisfiable')
    return { status: 416, headers: { 'Content-Range': `bytes */${contentLength}`, 'Content-Length': 0 } }
  const { start, end } = range
  const headers = {
    ...accepts,
    'Content-Length': end - start + 1,
    'Content-Range': `bytes ${start}-${end}/${contentLength}`,
  }
  return { status: 206, headers, body: sliceBytes(body, range) }
}

/** An SVG may hold scripts. */
const isMediaType = (type: string): boolean => /^(image|video|audio)\/(?!svg)/i.test(type)

/** Both ends included, as in HTTP. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Reads a `Range` header. Several ranges, other units and nonsense are ignored, as HTTP allows.
 *  @param length  of the whole in bytes
 *  @returns undefined for the whole */
export function readRange(header: string, length: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim()) ?? []
  if (first === undefined || last === undefined || first + last === '') return undefined
  if (first === '')
    return Number(last) === 0
      ? 'unsatisfiable'
      : { start: Math.max(length - Number(last), 0), end: length - 1 }
  const range = { start: Number(first), end: last === '' ? length - 1 : Math.min(Number(last), length - 1) }
  if (last !== '' && Number(last) < range.start) return undefined
  return range.start < length ? range : 'unsatisfiable'
}

/** The bytes of a range, out of a source that can only be read from its beginning. The source is closed at the range's end. */
export async function* sliceBytes(
  source: AsyncIterable<Uint8Array>,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array> {
  let offset = 0
  for await (const chunk of source) {
    const wanted = chunk.subarray(Math.max(start - offset, 0), end + 1 - offset)
    offset += chunk.length
    if (wanted.length > 0) yield wanted
    if (offset > end) return
  }
}

/** Reads a file whole.
 *  @param take  told of the bytes before they are kept; what it throws ends the reading
 *  @throws {UpstreamError} when it is larger than `maxBytes` */
export async function readSiteFile(
  { contentLength, body }: SiteFile,
  maxBytes: number,
  take: (bytes: number) => void = () => {},
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (Math.max(length, contentLength ?? 0) > maxBytes) throw tooLarge(maxBytes)
    take(chunk.length)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLarge(maxBytes: number): UpstreamError {
  return new UpstreamError('bad-request', {
    message: `A file of Genspark is larger than ${maxBytes / 1024 / 1024} MB. Ask for response_format url.`,
    retryable: false,
  })
}
