import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { selfSigned } from '../support/self-signed.ts'
import { type ClientHello, peekClientHello } from './edge/client-hello.ts'

/** @param hello  undefined over plain HTTP */
export type Handle = (
  request: IncomingMessage,
  response: ServerResponse,
  hello: ClientHello | undefined,
) => void

export interface Listener {
  readonly port: number
  /** Ends every connection. */
  close(): Promise<void>
}

/** Room for long cookies and slow askers, and no race between a client's next ask and the end of its idle connection. */
const httpOptions = {
  noDelay: true,
  requestTimeout: 0,
  keepAliveTimeout: 60_000,
  maxHeaderSize: 128 * 1024,
} as const

/** HTTP/1.1 on 127.0.0.1. */
export async function listenPlain(port: number, handle: Handle): Promise<Listener> {
  const server = createHttpServer(httpOptions, (request, response) => handle(request, response, undefined))
  return {
    port: await listen(server, port),
    close: () => closeServer(server, () => server.closeAllConnections()),
  }
}

export interface TlsOptions {
  /** How many requests a client may have open on a connection. Default: no limit. */
  readonly maxConcurrentStreams?: number
}

/** HTTP/2 over TLS on 127.0.0.1, HTTP/1.1 for those who do not offer it. Requests over HTTP/2 come in the shape of HTTP/1.1's. */
export async function listenTls(
  port: number,
  { maxConcurrentStreams }: TlsOptions,
  handle: Handle,
): Promise<Listener> {
  const hellos = new Map<string, ClientHello>()
  const sockets = new Set<Socket>()
  const secure = createSecureServer({
    ...selfSigned,
    ...httpOptions,
    allowHTTP1: true,
    settings: {
      initialWindowSize: 1024 * 1024,
      maxHeaderListSize: httpOptions.maxHeaderSize,
      ...(maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams }),
    },
    // A test leaves as often and sends as much as it likes.
    streamResetBurst: 1_000_000,
    maxSessionMemory: 1_000,
  })
  secure.on('request', (compatRequest, compatResponse) => {
    const request = compatRequest as unknown as IncomingMessage
    if (compatRequest.httpVersionMajor === 2) request.headers.host ??= compatRequest.authority
    handle(request, compatResponse as unknown as ServerResponse, hellos.get(peerOf(request.socket)))
  })
  secure.on('secureConnection', remember)

  // The ClientHello is read before the TLS server takes the connection: Node does not show it.
  const front = createTcpServer({ noDelay: true }, (socket) => {
    remember(socket)
    const peer = peerOf(socket)
    void peekClientHello(socket).then((hello) => {
      if (!hello) return void socket.destroy()
      hellos.set(peer, hello)
      secure.emit('connection', socket)
    })
    socket.once('close', () => hellos.delete(peer))
  })

  function remember(socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  }

  return {
    port: await listen(front, port),
    close: () =>
      closeServer(front, () => {
        for (const socket of sockets) socket.destroy()
      }),
  }
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1', backlog: 4096 }, resolve)
  })
  return (server.address() as AddressInfo).port
}

async function closeServer(server: Server, endConnections: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  endConnections()
  await closed
}
