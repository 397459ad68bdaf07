import { pipeline } from 'node:stream/promises'
import type { SiteFile } from '../upstream/upstream.ts'
import { readRange, sliceBytes } from './byte-range.ts'
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
