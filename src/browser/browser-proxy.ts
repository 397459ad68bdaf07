import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { deadlineSignal } from '../core/deadline.ts'
import { tokenUnavailable } from './token-source.ts'

/** A proxy as Playwright takes it. */
interface BrowserProxy {
  readonly server: string
  readonly username?: string
  readonly password?: string
}

/** A proxy for as long as one browser or context uses it. */
export interface OpenProxy {
  readonly proxy: BrowserProxy
  close(): void
}

/** Makes a proxy fit for Chromium. Playwright answers an http proxy that asks for a password; Chromium cannot sign in to a SOCKS
 *  proxy at all, so a relay on loopback does it for this one user.
 *  @param source  where the URL stands, for the operator: `PROXY_URL` */
export async function openBrowserProxy(proxyUrl: string, source: string): Promise<OpenProxy> {
  const url = new URL(proxyUrl)
  if (!needsRelay(url)) return { proxy: parseBrowserProxy(url), close() {} }
  try {
    return await startSocksRelay(url)
  } catch (cause) {
    throw tokenUnavailable(`the relay to the proxy of ${source} could not listen on 127.0.0.1`, { cause })
  }
}

/** The same for a browser on another machine, which cannot reach our loopback.
 *  @throws {UnavailableError} `token_unavailable` for a SOCKS proxy with a password */
export function openRemoteBrowserProxy(proxyUrl: string, source: string): OpenProxy {
  const url = new URL(proxyUrl)
  if (!needsRelay(url)) return { proxy: parseBrowserProxy(url), close() {} }
  throw tokenUnavailable(
    `the browser of BROWSER_ENDPOINT cannot sign in to the SOCKS proxy of ${source}: use an http proxy, or a SOCKS proxy without password`,
    { retryable: false },
  )
}

const isSocks = ({ protocol }: URL): boolean => protocol.startsWith('socks')

const needsRelay = (url: URL): boolean => isSocks(url) && (url.username !== '' || url.password !== '')

function parseBrowserProxy(url: URL): BrowserProxy {
  // Chromium has a SOCKS proxy resolve names anyway and does not know the name `socks5h`.
  const server = `${isSocks(url) ? 'socks5:' : url.protocol}//${url.host}`
  if (!url.username && !url.password) return { server }
  return { server, username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
}

/** How long a proxy may take to let us in. */
const signInMs = 30_000

/** Listens on a free port of loopback for Chromium, without a password: signs in to the true proxy, then hands the bytes on both
 *  ways as they are, the request to connect among them. Source: RFC 1928, RFC 1929 */
async function startSocksRelay(url: URL): Promise<OpenProxy> {
  const sockets = new Set<Socket>()
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // Whoever reads or writes it hears of the error as well.
    socket.on('error', () => {})
    return socket
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const proxy = track(connect({ ...addressOf(url), allowHalfOpen: true, noDelay: true }))
    track(client)
    relay(client, proxy, url).catch(() => {
      client.destroy()
      proxy.destroy()
    })
  })
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    proxy: { server: `socks5://127.0.0.1:${port}` },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

const version = 5
const noPassword = 0
const withPassword = 2

async function relay(client: Socket, proxy: Socket, url: URL): Promise<void> {
  const signal = deadlineSignal(signInMs)
  await Promise.all([greet(client, signal), signIn(proxy, url, signal)])
  client.write(Uint8Array.of(version, noPassword))
  await Promise.all([pipeline(client, proxy), pipeline(proxy, client)])
}

/** Reads what Chromium says first: the version and the ways in which it could sign in. */
async function greet(client: Socket, signal: AbortSignal): Promise<void> {
  const [said, methods = 0] = await take(client, 2, signal)
  if (said !== version) throw new Error('no SOCKS5')
  await take(client, methods, signal)
}

async function signIn(proxy: Socket, url: URL, signal: AbortSignal): Promise<void> {
  proxy.write(Uint8Array.of(version, 2, noPassword, withPassword))
  const [, method] = await take(proxy, 2, signal)
  if (method === noPassword) return
  if (method !== withPassword) throw new Error('the SOCKS proxy wants to be signed in to another way')
  const [user, password] = [url.username, url.password].map((part) => Buffer.from(decodeURIComponent(part)))
  if (!user || !password || user.length > 255 || password.length > 255) throw new Error('too long for SOCKS5')
  proxy.write(Buffer.concat([Uint8Array.of(1, user.length), user, Uint8Array.of(password.length), password]))
  const [, status] = await take(proxy, 2, signal)
  if (status !== 0) throw new Error('the SOCKS proxy refuses user and password')
}

/** Exactly so many bytes; what comes after them stays in the socket. */
async function take(socket: Socket, length: number, signal: AbortSignal): Promise<Uint8Array> {
  let bytes = Buffer.alloc(0)
  while (bytes.length < length) {
    // All that is there: `readable` comes at once, and again and again, while anything is left.
    const chunk: Buffer | null = socket.read()
    if (chunk) bytes = Buffer.concat([bytes, chunk])
    else if (socket.readableEnded || socket.destroyed) throw new Error('the connection was closed')
    else await once(socket, 'readable', { signal })
  }
  if (bytes.length > length) socket.unshift(bytes.subarray(length))
  return bytes.subarray(0, length)
}

const addressOf = ({ hostname, port }: URL) => ({
  host: hostname.replace(/^\[|\]$/g, ''),
  port: Number(port) || 1080,
})
