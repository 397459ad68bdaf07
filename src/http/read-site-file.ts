import { UpstreamError } from '../core/errors.ts'
import type { SiteFile } from '../upstream/upstream.ts'

/** Reads a file whole. @throws {UpstreamError} when it is larger than `maxBytes` */
export async function readSiteFile({ contentLength, body }: SiteFile, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (Math.max(length, contentLength ?? 0) > maxBytes) throw tooLarge(maxBytes)
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
