import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { InvalidRequestError } from '../core/errors.ts'
import { encodeError } from '../dialects/openai-chat/encode-error.ts'

/** Deadlines against slow and silent clients, and our error body for what is not HTTP. No limit is set on the response: an
 *  answer may take long, and a stalled one is closed by `close-stalled-response`. */
export function hardenServer(server: Server): void {
  server.headersTimeout = 30_000
  server.requestTimeout = 300_000
  // Above the 60 s after which common proxies drop an idle connection, so that theirs is the first to close.
  server.keepAliveTimeout = 75_000
  server.on('clientError', answerMalformed)
  // HTTP lets us ignore an expectation that we do not know. Node's own 417 has neither body nor request id.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
}

const statusLines: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

function answerMalformed(
  error: NodeJS.ErrnoException,
  socket: Duplex & { readonly bytesWritten?: number },
): void {
  // What has been written may be half of another response.
  if (!socket.writable || socket.bytesWritten !== 0) return void socket.destroy()
  const body = JSON.stringify(
    encodeError(new InvalidRequestError('invalid_value', { message: 'The request is not valid HTTP.' })),
  )
  const head = [
    `HTTP/1.1 ${statusLines[error.code ?? ''] ?? '400 Bad Request'}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${randomUUID()}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
