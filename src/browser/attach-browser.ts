import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { ConnectOverCDPTransport } from 'playwright'
import { deadlineSignal } from '../core/deadline.ts'
import { openRemoteBrowserProxy } from './browser-proxy.ts'
import { answersWithin, type Chromium, findNetworkProcess } from './launch-chromium.ts'
import { firstLine, tokenUnavailable } from './token-source.ts'

export interface AttachOptions {
  /** `http://host:9222` or `ws://…`; may hold user and password, or a token in its query. */
  readonly endpoint: string
  /** PROXY_URL: that browser was not started with it, so each context bears it. */
  readonly proxyUrl: string | undefined
  readonly timeoutMs: number
}

/** Attaches to a browser that the operator runs himself. Contexts of our own are opened there, and are gone with the connection,
 *  by whatever cause it ends. The browser is never closed, and no other tab of it is looked at.
 *  @throws {UnavailableError} `token_unavailable`; no message holds the address, which may hold a token */
export async function attachBrowser(options: AttachOptions): Promise<Chromium> {
  const { timeoutMs } = options
  const { chromium } = await import('playwright')
  let transport: Transport | undefined
  try {
    transport = await openTransport(options.endpoint, deadlineSignal(timeoutMs))
    // Playwright's settings for tabs that were open before are left out.
    const browser = await chromium.connectOverCDP(transport, { noDefaults: true, timeout: timeoutMs })
    const ended = new Promise<void>((resolve) => browser.once('disconnected', () => resolve()))
    const session = await browser.newBrowserCDPSession()
    const startedAt = performance.now()
    const disconnect = async () => {
      transport?.close()
      await ended
    }
    return {
      browser,
      name: `the browser of BROWSER_ENDPOINT, ${browser.version()}`,
      pid: undefined,
      ended,
      uptimeMs: () => performance.now() - startedAt,
      answers: (withinMs) => answersWithin(session.send('Browser.getVersion'), withinMs),
      async watchNetwork() {
        let network = await findNetworkProcess(session)
        let isSame = true
        let askedAt = performance.now()
        return () => {
          // It runs elsewhere: only the browser can tell, and is asked behind its use.
          if (isSame && performance.now() - askedAt > networkAgeMs) {
            askedAt = performance.now()
            void findNetworkProcess(session).then((now) => {
              // One that starts late, and a browser that does not say, prove no loss.
              isSame = now === undefined || network === undefined || now === network
              network ??= now
            })
          }
          return isSame
        }
      },
      async openProxy(own) {
        const [url, source] = own ? [own.url, own.source] : [options.proxyUrl, 'PROXY_URL']
        return url === undefined ? undefined : openRemoteBrowserProxy(url, source)
      },
      kill: disconnect,
      close: disconnect,
    }
  } catch (error) {
    transport?.close()
    throw tokenUnavailable(
      `the browser of BROWSER_ENDPOINT cannot be attached to (${reasonOf(error)}): check that it runs with remote debugging and can be reached from here`,
    )
  }
}

/** What was told of its network process holds for so long. */
const networkAgeMs = 1_000

/** The kind of failure alone: the message of a network error may hold the address. */
function reasonOf(error: unknown): string {
  if (error instanceof AttachFailure) return error.message
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time'
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return (
    /net::\w+|Timeout \d+ms exceeded|closed/.exec(firstLine(error))?.[0] ?? 'it speaks no DevTools protocol'
  )
}

class AttachFailure extends Error {}

interface Transport extends ConnectOverCDPTransport {
  close(): void
}

interface ProtocolMessage {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: unknown
}

/** Playwright counts its own calls up from 1. */
const firstOwnId = 1_000_000_000

/** The connection as Playwright uses it, but for one thing: Playwright would attach to every tab of the browser, and have it pause
 *  each new one until Playwright lets it go on. Here it sees the pages that it opens itself, and those alone. */
async function openTransport(endpoint: string, signal: AbortSignal): Promise<Transport> {
  const { url, headers } = await findSocket(endpoint, signal)
  const socket = new WebSocket(url, { headers } as unknown as string[])
  await opened(socket, signal)
  /** What is asked for in Playwright's name, by our id: the answer to a page's making, kept until the page is attached to. */
  const pending = new Map<number, ProtocolMessage>()
  const creating = new Set<number>()
  let lastId = firstOwnId

  const transport: Transport = {
    send(sent) {
      const message = sent as ProtocolMessage
      if (message.sessionId === undefined && message.id !== undefined) {
        if (message.method === 'Target.setAutoAttach') {
          const { id } = message
          setImmediate(() => transport.onmessage?.({ id, result: {} }))
          return
        }
        if (message.method === 'Target.createTarget') creating.add(message.id)
      }
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
    },
    close() {
      socket.close()
      // A peer that is away never answers the close.
      finish()
    },
  }
  socket.addEventListener('message', ({ data }) => {
    const message: ProtocolMessage = JSON.parse(String(data))
    if (message.id === undefined || message.sessionId !== undefined) return transport.onmessage?.(message)
    const made = pending.get(message.id)
    if (made) {
      pending.delete(message.id)
      return transport.onmessage?.(message.error ? { ...message, id: made.id } : made)
    }
    if (!creating.delete(message.id) || message.error) return transport.onmessage?.(message)
    lastId += 1
    pending.set(lastId, message)
    const params = { targetId: message.result?.targetId, flatten: true }
    socket.send(JSON.stringify({ id: lastId, method: 'Target.attachToTarget', params }))
  })
  socket.addEventListener('close', finish)
  socket.addEventListener('error', finish)
  return transport

  function finish(): void {
    const { onclose } = transport
    delete transport.onclose
    onclose?.()
  }
}

async function opened(socket: WebSocket, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.addEventListener('open', () => resolve(), { once: true })
  socket.addEventListener('error', () => reject(new AttachFailure('the WebSocket was refused')), {
    once: true,
  })
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await promise
  } catch (error) {
    socket.close()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

interface SocketAddress {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
}

/** The browser's WebSocket: as given, or as the browser tells it over http.
 *  Source: https://chromedevtools.github.io/devtools-protocol/ "HTTP Endpoints" */
async function findSocket(endpoint: string, signal: AbortSignal): Promise<SocketAddress> {
  const { url, headers } = withoutCredentials(endpoint)
  if (url.protocol.startsWith('ws')) return { url, headers }
  let reply = await askVersion(url, headers, signal)
  // Chrome takes no names but localhost, lest a web page reach it under one.
  if (reply.status === 500 && url.protocol === 'http:' && !isIP(url.hostname)) {
    const { address, family } = await lookup(url.hostname)
    url.hostname = family === 6 ? `[${address}]` : address
    reply = await askVersion(url, headers, signal)
  }
  if (!reply.ok) throw new AttachFailure(`it answers HTTP ${reply.status}`)
  const told: unknown = await reply.json().catch(() => undefined)
  const address = (told as { webSocketDebuggerUrl?: unknown } | undefined)?.webSocketDebuggerUrl
  if (typeof address !== 'string' || !URL.canParse(address))
    throw new AttachFailure('it tells no webSocketDebuggerUrl')
  // The browser knows itself under another address than we, behind a forwarded port.
  const { pathname, search } = new URL(address)
  const socketUrl = new URL(url)
  socketUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  socketUrl.pathname = pathname
  socketUrl.search = search || url.search
  return { url: socketUrl, headers }
}

function askVersion(url: URL, headers: SocketAddress['headers'], signal: AbortSignal): Promise<Response> {
  const asked = new URL(url)
  asked.pathname = `${url.pathname.replace(/\/+$/, '')}/json/version`
  return fetch(asked, { headers, redirect: 'manual', signal })
}

function withoutCredentials(endpoint: string): SocketAddress {
  const url = new URL(endpoint)
  const { username, password } = url
  if (!username && !password) return { url, headers: {} }
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  url.username = ''
  url.password = ''
  return { url, headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } }
}
