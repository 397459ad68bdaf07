import type { IncomingMessage } from 'node:http'

const maxBytes = 64 * 1024 * 1024

/** The whole JSON body. @throws SyntaxError, and as `readBody` */
export const readJsonBody = async (request: IncomingMessage): Promise<unknown> =>
  JSON.parse((await readBody(request)).toString('utf8'))

/** The whole body. @throws Error over 64 MiB or when the client leaves */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > maxBytes) throw new Error('the body is over 64 MiB')
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
