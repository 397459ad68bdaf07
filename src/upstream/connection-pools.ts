import type { LookupAddress } from 'node:dns'
import { request as requestOverHttp } from 'node:http'
import { request as requestOverHttps } from 'node:https'
import { connect as connectTcp, isIP, isIPv6, type Socket } from 'node:net'
import { LRUCache } from 'lru-cache'
import type { buildConnector } from 'undici'
// The two files that are needed: the package as a whole takes three times as long to load.
import createUndiciConnector from 'undici/lib/core/connect.js'
import Client from 'undici/lib/dispatcher/client.js'
import { pinnedTo } from '../core/addresses.ts'
import { liveDeadline } from '../core/deadline.ts'

/** The proxy answered CONNECT with a refusal. */
export class ProxyRefusal extends Error {
  readonly status: number

  constructor(status: number) {
    super(`the proxy answered HTTP ${status}`)
    this.status = status
  }
}

/** More pools than these at once forget the one used least recently. */
const maxPools = 1_000

/** How long a direct connection may take, TLS included: who is not there within it will not be. */
const defaultConnectMs = 5_000

/** How long a proxy may take to open a connection to the site. */
const handshakeMs = 30_000

/** How long an idle connection is kept when the server does not say (`Keep-Alive: timeout=`): shorter than common servers keep
 *  theirs, since a request that meets a closing connection fails. */
const keepAliveTimeout = 30_000

/** Kept-alive connections, pooled by origin and by the proxy that they go over. A proxy that is dead is an error, never a
 *  reason to go around it. */
export function createConnectionPools(connectMs = defaultConnectMs) {
  const pools = new LRUCache<string, Pool>({ max: maxPools, dispose: (pool) => pool.retire() })
  return {
    /** A connection that nobody else uses until it is released; it connects with its first request.
     *  @param addresses  to connect to, in the place of a look-up */
    take(origin: string, proxyUrl: string | undefined, addresses?: readonly LookupAddress[]): Connection {
      const place = proxyUrl === undefined ? origin : `${origin} ${proxyUrl}`
      const key = addresses ? `${place} ${addresses.map(({ address }) => address).join()}` : place
      let pool = pools.get(key)
      if (!pool) {
        pool = new Pool(origin, createConnect(proxyUrl, addresses, connectMs))
        pools.set(key, pool)
      }
      return pool.take()
    },
    /** Closes all, in use or not. */
    close(): void {
      for (const pool of pools.values()) pool.destroy()
      pools.clear()
    },
  }
}

class Pool {
  readonly #origin: string
  readonly #connect: Connect
  readonly #all = new Set<Connection>()
  /** The one used last is taken first: it is the least likely to be closed by the server. */
  readonly #idle: Connection[] = []
  #isRetired = false

  constructor(origin: string, connect: Connect) {
    this.#origin = origin
    this.#connect = connect
  }

  take(): Connection {
    const idle = this.#idle.pop()
    if (idle) return idle
    const connection = new Connection(this.#origin, this.#connect, this)
    this.#all.add(connection)
    return connection
  }

  release(connection: Connection): void {
    if (this.#isRetired) connection.destroy()
    else this.#idle.push(connection)
  }

  /** An idle connection whose socket is gone is of no further use; one in use opens another for itself. */
  disconnected(connection: Connection): void {
    const index = this.#idle.indexOf(connection)
    if (index !== -1) connection.destroy()
  }

  forget(connection: Connection): void {
    this.#all.delete(connection)
    const index = this.#idle.indexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
  }

  /** Closes what is idle now, the others when they are released. */
  retire(): void {
    this.#isRetired = true
    for (const connection of [...this.#idle]) connection.destroy()
  }

  destroy(): void {
    this.#isRetired = true
    for (const connection of [...this.#all]) connection.destroy()
  }
}

/** One connection, for one request at a time. */
export class Connection {
  readonly client: Client
  readonly #pool: Pool
  #opening: Destroyable | undefined

  constructor(origin: string, connect: Connect, pool: Pool) {
    this.#pool = pool
    this.client = new Client(origin, {
      pipelining: 1,
      // Every request has deadlines of its own.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout,
      connect: (target, callback) => {
        this.#opening = connect(target, (...outcome) => {
          this.#opening = undefined
          callback(...outcome)
        })
      },
    })
    this.client.on('disconnect', () => pool.disconnected(this))
  }

  /** Its request is over and its response complete: free for the next. */
  release(): void {
    this.#pool.release(this)
  }

  /** Closes it at once, even while it is being opened. */
  destroy(): void {
    this.#pool.forget(this)
    this.#opening?.destroy(closed)
    this.client.destroy(closed, () => {})
  }
}

/** A constant: nobody reads it, and capturing a stack each time would cost. */
const closed = new Error('closed')

interface Destroyable {
  destroy(error: Error): unknown
}

export type Connect = (target: buildConnector.Options, callback: buildConnector.Callback) => Destroyable

/** @param addresses  to connect to, in the place of a look-up */
export function createConnect(
  proxyUrl: string | undefined,
  addresses?: readonly LookupAddress[],
  connectMs = defaultConnectMs,
): Connect {
  // It returns the socket, which its type does not say.
  const connect = createUndiciConnector({
    timeout: 0,
    ...(addresses && { lookup: pinnedTo(addresses) }),
  }) as Connect
  if (proxyUrl === undefined) return withinTime(connect, connectMs)
  const proxy = new URL(proxyUrl)
  const openTunnel = proxy.protocol.startsWith('socks') ? openSocksTunnel : openHttpTunnel

  return (target, callback) => {
    const timer = setTimeout(
      () => opening.destroy(new Error(`no connection within ${handshakeMs / 1000} s`)),
      handshakeMs,
    )
    const finish: buildConnector.Callback = (...outcome) => {
      clearTimeout(timer)
      callback(...outcome)
    }
    let isAnswered = false
    // A proxy looks names up by itself, unless it is given an address.
    const [pinned] = addresses ?? []
    const end = pinned ? { ...target, hostname: pinned.address } : target
    let opening: Destroyable = openTunnel(proxy, end, (error, socket) => {
      if (isAnswered) return
      isAnswered = true
      if (error) finish(error, null)
      else if (target.protocol !== 'https:') finish(null, socket)
      else opening = connect({ ...target, httpSocket: socket }, finish)
    })
    return { destroy: (error) => opening.destroy(error) }
  }
}

function withinTime(connect: Connect, ms: number): Connect {
  return (target, callback) => {
    const stop = liveDeadline(ms, () => opening.destroy(new Error(`no connection within ${ms / 1000} s`)))
    const opening = connect(target, (...outcome) => {
      stop()
      callback(...outcome)
    })
    return {
      destroy(error) {
        stop()
        return opening.destroy(error)
      },
    }
  }
}

/** May be called again: only the first time counts. */
type TunnelCallback = (...outcome: [Error, null] | [null, Socket]) => void

/** By CONNECT, for an http site too: one way for both, and the proxy sees no request. */
function openHttpTunnel(proxy: URL, target: buildConnector.Options, callback: TunnelCallback): Destroyable {
  const { host, port } = addressOf(target)
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`
  const proxyHost = addressOf(proxy).host
  const { user, password } = credentialsOf(proxy)
  const isSecure = proxy.protocol === 'https:'
  const request = (isSecure ? requestOverHttps : requestOverHttp)({
    ...addressOf(proxy),
    method: 'CONNECT',
    path: authority,
    agent: false,
    setDefaultHeaders: false,
    headers: {
      host: authority,
      'proxy-connection': 'keep-alive',
      ...(user !== undefined && {
        'proxy-authorization': `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      }),
    },
    // Node would take it from the `host` header, which names the site.
    ...(isSecure && { servername: isIP(proxyHost) ? '' : proxyHost }),
  })
  request.once('connect', ({ statusCode = 0 }, socket: Socket, head) => {
    // The client does not listen yet, and stops listening before the socket is gone.
    socket.on('error', () => {})
    if (statusCode !== 200) {
      socket.destroy()
      return callback(new ProxyRefusal(statusCode), null)
    }
    if (head.length > 0) socket.unshift(head)
    callback(null, socket)
  })
  request.once('error', (error) => {
    // Nothing has reached the site, so this is no broken connection to it.
    const isBroken = 'code' in error && error.code === 'ECONNRESET'
    callback(isBroken ? new Error('the proxy closed the connection before it answered') : error, null)
  })
  return request.end()
}

/** Names are looked up by the proxy: the look-up is part of what must not go around it. */
function openSocksTunnel(proxy: URL, target: buildConnector.Options, callback: TunnelCallback): Destroyable {
  const address = { ...addressOf(proxy), port: Number(proxy.port) || 1080 }
  const { user, password } = credentialsOf(proxy)
  const fail = (error: Error) => callback(error, null)
  const socket = connectTcp(address)
  socket.setNoDelay(true)
  // Never removed: later errors are the client's to handle, but must not be unhandled here.
  socket.on('error', fail)
  socket.once('connect', () => {
    // Loaded when it is needed: few have such a proxy, and everybody waits for the start.
    import('socks')
      .then(({ SocksClient }) =>
        SocksClient.createConnection({
          existing_socket: socket,
          proxy: { ...address, type: 5, ...(user !== undefined && { userId: user, password }) },
          command: 'connect',
          destination: addressOf(target),
          timeout: handshakeMs,
        }),
      )
      .then(() => callback(null, socket), fail)
  })
  return socket
}

/** Of a URL or of what undici wants to connect to, whose port may be empty. */
function addressOf({
  protocol,
  hostname,
  port,
}: Pick<buildConnector.Options, 'protocol' | 'hostname' | 'port'>) {
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
  }
}

function credentialsOf({ username, password }: URL) {
  const isNamed = username !== '' || password !== ''
  return { user: isNamed ? decodeURIComponent(username) : undefined, password: decodeURIComponent(password) }
}
