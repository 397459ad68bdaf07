import { once } from 'node:events'
import {
  createServer as createHttpServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import type { Duplex } from 'node:stream'

export interface TestProxy {
  /** With user and password. */
  readonly url: string
  readonly port: number
  /** What it was asked to reach, in order: `CONNECT host:port`, `GET http://…`, `SOCKS host:port`. */
  readonly asked: readonly string[]
  /** Requests and handshakes that came without the right user and password. */
  readonly refusals: readonly string[]
  /** The local ports of its connections to the outside: what a target sees as the peer's. */
  readonly outgoingPorts: ReadonlySet<number>
  close(): Promise<void>
}

export interface TestProxyOptions {
  /** Where every connection goes, whatever was asked for; unset: where it asked for. */
  readonly target?: { readonly port: number }
  /** Answers every CONNECT with this status. */
  readonly connectStatus?: number
  /** Takes connections and never answers. */
  readonly silent?: boolean
}

export const proxyUser = 'user'
/** Needs escaping in a URL. */
export const proxyPassword = 'pass/word@1'
const credentials = `${proxyUser}:${encodeURIComponent(proxyPassword)}`

/** An http proxy: CONNECT, and plain requests with a whole URL; Basic authentication. */
export async function startHttpProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const record = createRecord()
  const expected = `Basic ${Buffer.from(`${proxyUser}:${proxyPassword}`).toString('base64')}`
  const server = createHttpServer((request, response) => {
    const url = new URL(request.url ?? '')
    record.asked.push(`${request.method} ${url.href}`)
    if (!isAllowed(request)) return void response.writeHead(407, challenge).end()
    forward(url, request, response)
  })
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    client.on('error', () => {})
    record.asked.push(`CONNECT ${request.url}`)
    if (options.silent) return
    if (!isAllowed(request)) {
      const header = `proxy-authenticate: ${challenge['proxy-authenticate']}`
      return void client.end(`HTTP/1.1 407 Proxy Authentication Required\r\n${header}\r\n\r\n`)
    }
    if (options.connectStatus) return void client.end(`HTTP/1.1 ${options.connectStatus} No\r\n\r\n`)
    const target = open(record, options.target ?? addressOf(request.url ?? ''), () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(target).pipe(client)
    })
    client.once('close', () => target.destroy())
    target.once('close', () => client.destroy())
  })

  function isAllowed({ headers, url = '' }: IncomingMessage): boolean {
    if (headers['proxy-authorization'] === expected) return true
    record.refusals.push(url)
    return false
  }

  function forward(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const port = options.target?.port ?? Number(url.port)
    const onward = httpRequest({
      host: '127.0.0.1',
      port,
      path: url.pathname + url.search,
      method: request.method,
      headers: onwardHeaders(request),
      agent: false,
    })
    onward.on('socket', (socket) =>
      socket.once('connect', () => record.outgoingPorts.add(socket.localPort ?? 0)),
    )
    onward.on('response', (reply) => reply.pipe(response.writeHead(reply.statusCode ?? 0, reply.headers)))
    onward.on('error', () => response.destroy())
    response.once('close', () => onward.destroy())
    request.pipe(onward)
  }

  return serve(server, 'http', record)
}

/** A SOCKS5 proxy with user and password (RFC 1928, 1929), as far as CONNECT goes. */
export async function startSocksProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const record = createRecord()
  const server = createTcpServer((client) => {
    client.on('error', () => {})
    void handshake(client).catch(() => client.destroy())
  })

  async function handshake(client: Socket): Promise<void> {
    const read = reader(client)
    const [, methods = 0] = await read(2)
    const offered = await read(methods)
    if (!offered.includes(2)) {
      record.refusals.push('no password offered')
      return void client.end(Buffer.from([5, 0xff]))
    }
    client.write(Buffer.from([5, 2]))
    const [, userLength = 0] = await read(2)
    const user = (await read(userLength)).toString()
    const password = (await read((await read(1))[0] ?? 0)).toString()
    const allowed = user === proxyUser && password === proxyPassword
    client.write(Buffer.from([1, allowed ? 0 : 1]))
    if (!allowed) return void record.refusals.push('wrong password')
    const [, , , type] = await read(4)
    const host =
      type === 3 ? (await read((await read(1))[0] ?? 0)).toString() : [...(await read(4))].join('.')
    const port = (await read(2)).readUInt16BE()
    record.asked.push(`SOCKS ${host}:${port}`)
    const target = open(record, options.target ?? { host, port }, () => {
      client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
      client.pipe(target).pipe(client)
    })
    client.once('close', () => target.destroy())
    target.once('close', () => client.destroy())
  }

  return serve(server, 'socks5', record)
}

const challenge = { 'proxy-authenticate': 'Basic realm="proxy"' }

function createRecord() {
  return { asked: [] as string[], refusals: [] as string[], outgoingPorts: new Set<number>() }
}

/** Spelling and order stay as the client wrote them: they tell programs apart. */
function onwardHeaders({ rawHeaders }: IncomingMessage): string[] {
  const headers: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).replace(/^proxy-connection$/i, 'Connection')
    if (name.toLowerCase() !== 'proxy-authorization') headers.push(name, rawHeaders[at + 1] as string)
  }
  return headers
}

function addressOf(authority: string): { host: string; port: number } {
  const { hostname, port } = new URL(`http://${authority}`)
  return { host: hostname, port: Number(port) || 80 }
}

function open(
  record: ReturnType<typeof createRecord>,
  target: { readonly host?: string; readonly port: number },
  onConnect: () => void,
): Socket {
  const socket = connect({ host: '127.0.0.1', ...target })
  socket.on('error', () => {})
  return socket.once('connect', () => {
    record.outgoingPorts.add(socket.localPort ?? 0)
    onConnect()
  })
}

/** Reads exactly so many bytes. */
function reader(socket: Socket) {
  return async (length: number): Promise<Buffer> => {
    for (;;) {
      const bytes: Buffer | null = length === 0 ? Buffer.alloc(0) : socket.read(length)
      if (bytes) return bytes
      await once(socket, 'readable')
    }
  }
}

async function serve(
  server: Server,
  scheme: string,
  record: ReturnType<typeof createRecord>,
): Promise<TestProxy> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    ...record,
    url: `${scheme}://${credentials}@127.0.0.1:${port}`,
    port,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
