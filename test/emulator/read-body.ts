import type { IncomingMessage } from 'node:http'

const maxBytes = 64 * 1024 * 1024

/** The whole JSON body. @throws SyntaxError, and Error over 64 MiB or when the client leaves */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > maxBytes) throw new Error('the body is over 64 MiB')
    pieces.push(piece)
  }
  return JSON.parse(Buffer.concat(pieces).toString('utf8'))
}
