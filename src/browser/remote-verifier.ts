import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { importedSessions, type SiteSessions } from '../core/site-session.ts'
import { withDeadline } from './abortable.ts'
import { createMintMemory } from './mint-memory.ts'
import type { TokenRequest, TokenSource } from './token-source.ts'
import { tokenUnavailable } from './token-source.ts'

export interface RemoteVerifierOptions {
  /** Base URL of the service, with or without a slash at its end; may hold user and password. */
  readonly recaptchaProxyUrl: string
  readonly metrics: Pick<Metrics, 'tokensMinted' | 'tokenWaitSeconds' | 'recaptchaFailing'>
  readonly logger: Logger
  /** Between two probes while no token can be had. Default 30 s. */
  readonly probeMs?: number
  /** For all of one token. Default 10 s. */
  readonly deadlineMs?: number
  /** Absent: cookies are sent as they were imported. */
  readonly sessions?: SiteSessions
}

/** A reply is one short line of JSON. */
const maxReplyBytes = 64 * 1024

/** Asks another service for each token, e.g. genspark-playwright-proxy or one of ours: `GET <url>/genspark` with the account's
 *  cookie. Every token is fresh; none is kept. Source: WIRE 3.5
 *
 *  It asks with the `fetch` of Node: the service is the operator's own and no part of the site, so neither the site's headers nor
 *  its proxies and pools apply, and one request a token needs nothing more. Certificates are checked; a redirect is not followed:
 *  the cookie goes to the service that was named and to no other. */
export function createRemoteVerifier(options: RemoteVerifierOptions): TokenSource {
  const { metrics, deadlineMs = 10_000, probeMs = 30_000, sessions = importedSessions } = options
  const memory = createMintMemory({ ...options, probeMs })
  const prober = setInterval(() => void probe(), Math.min(probeMs, 1_000)).unref()
  const { url, authorization } = addressOf(options.recaptchaProxyUrl)
  const closing = new AbortController()

  return {
    async token(request) {
      closing.signal.throwIfAborted()
      request.signal.throwIfAborted()
      memory.check(request.account)
      const token = await fetchToken(request)
      request.onOrigin?.('remote')
      return token
    },
    warmUp() {},
    state: () => 'off',
    trouble: () => memory.trouble,
    forget: memory.forget,
    async close() {
      clearInterval(prober)
      closing.abort(new UnavailableError('shutting_down'))
    },
  }

  async function probe(): Promise<void> {
    const found = memory.nextProbe()
    if (found) await fetchToken({ ...found, signal: closing.signal }).catch(() => {})
  }

  async function fetchToken({ account, generation, signal }: TokenRequest): Promise<string> {
    const startedAt = performance.now()
    const deadline = {
      ms: deadlineMs,
      reason: () =>
        tokenUnavailable(`the token service of RECAPTCHA_PROXY_URL gave none within ${deadlineMs / 1000} s`),
      signal: AbortSignal.any([signal, closing.signal]),
    }
    try {
      const token = await withDeadline(deadline, (cut) => ask(sessions.cookieOf(account), cut))
      metrics.tokensMinted.inc({ outcome: 'minted' })
      memory.succeeded(account)
      metrics.tokenWaitSeconds.observe((performance.now() - startedAt) / 1000)
      return token
    } catch (error) {
      if (error instanceof UnavailableError && !closing.signal.aborted) {
        metrics.tokensMinted.inc({ outcome: 'failed' })
        memory.failed(account, generation, error, startedAt)
      }
      throw error
    }
  }

  async function ask(cookie: string, signal: AbortSignal): Promise<string> {
    const { status, text } = await fetchReply(cookie, signal)
    return parseVerifierReply(status, text, cookie)
  }

  async function fetchReply(cookie: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(url, {
        headers: { 'content-type': 'application/json', cookie, ...authorization },
        redirect: 'manual',
        signal,
      })
      return { status: response.status, text: await readBounded(response) }
    } catch (error) {
      signal.throwIfAborted()
      throw unreachable(error)
    }
  }
}

/** `fetch` takes no credentials in a URL. */
function addressOf(baseUrl: string): { url: URL; authorization: { authorization?: string } } {
  const url = new URL(`${baseUrl.replace(/\/+$/, '')}/genspark`)
  if (!url.username && !url.password) return { url, authorization: {} }
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  url.username = ''
  url.password = ''
  return { url, authorization: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } }
}

/** Leaving the loop early closes the connection. */
async function readBounded({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    if (bytes > maxReplyBytes) break
  }
  return Buffer.concat(chunks).toString('utf8', 0, maxReplyBytes)
}

/** Of what `fetch` throws only the system's own error goes along: the rest may quote a header. */
function unreachable(error: unknown): UnavailableError {
  const cause = error instanceof Error ? error.cause : undefined
  const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
  return tokenUnavailable(
    `the token service of RECAPTCHA_PROXY_URL could not be reached${why}: check that it runs, and its certificate`,
    why ? { cause } : {},
  )
}

const maxMessageLength = 200

/** The token in the reply of a token service: HTTP 200 and `{"code":200,"token":"…"}`, anything else is a failure.
 *  @param cookie  must not come back in a message
 *  @throws {UnavailableError} `token_unavailable` with what the service said. Source: WIRE 3.5 */
function parseVerifierReply(status: number, text: string, cookie: string): string {
  const reply = parseObject(text)
  if (status !== 200 || (reply && reply.code !== 200)) {
    const code = status === 200 ? `code ${String(reply?.code).slice(0, 20)}` : `HTTP ${status}`
    throw failed(`answered ${code}${quote(reply?.message, cookie)}`)
  }
  if (!reply) throw failed('answered something that is not JSON: is it a genspark-playwright-proxy?')
  if (typeof reply.token === 'string' && reply.token !== '') return reply.token
  throw failed(`gave an empty token${quote(reply.message, cookie)}`)
}

const failed = (what: string) => tokenUnavailable(`the token service of RECAPTCHA_PROXY_URL ${what}`)

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** What the service says, unless it repeats something of the cookie. */
function quote(message: unknown, cookie: string): string {
  if (typeof message !== 'string' || message.trim() === '') return ''
  const values = cookie.split(';').map((pair) => pair.slice(pair.indexOf('=') + 1).trim())
  if (values.some((value) => value.length >= 4 && message.includes(value))) return ''
  return ` (${message.trim().slice(0, maxMessageLength)})`
}
