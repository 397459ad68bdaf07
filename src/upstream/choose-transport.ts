import { createHash } from 'node:crypto'
import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { OpenReply, Reply, ReplyRequest } from '../core/open-reply.ts'
import type { Store } from '../store/store.ts'
import { isPage, recognisePage } from './failures.ts'
import { maxTextLength, readText } from './site-calls.ts'

export type TransportMode = 'auto' | 'direct' | 'browser'

export interface TransportOptions {
  readonly baseUrl: string
  /** GENSPARK_TRANSPORT. Default: `direct`. */
  readonly transport?: TransportMode
  /** Asks through the account's page; undefined where no Chromium runs. It answers undefined when it cannot carry the request. */
  readonly openByPage?: ((request: ReplyRequest) => Promise<Reply | undefined>) | undefined
  readonly proxyUrl?: string | undefined
  /** Where findings of `auto` are shared and last. */
  readonly findings?: Pick<Store, 'saveDocument' | 'listDocuments' | 'removeDocument'> | undefined
  readonly clock: Clock
  readonly logger: Pick<Logger, 'info' | 'warn'>
}

export interface Transport {
  readonly openReply: OpenReply
  /** The verdict on a failed ask: a challenge says what was tried, and is remembered; once more, with a new token, the ask may
   *  go another way (`askAgain`). */
  readonly judge: (account: Account, error: unknown) => unknown
  close(): void
}

/** A challenge is thought to last so long; then it is looked at again, in the background. */
const rememberMs = 60 * 60 * 1000
/** Findings of the other replicas are read so often. */
const readMs = 30_000
const probeMs = 10_000
/** A finding that nobody looks at again is forgotten. */
const findingLifeMs = 7 * 24 * 60 * 60 * 1000
const owner = 'transport'

/** Chooses the program that sends what goes to the site with an account's cookie: this one, or the account's page. What the edge
 *  refuses is a program's handshake, so that one finding counts for all accounts of an egress: a proxy, or none.
 *  Source: WIRE 2.6, 2.7 */
export function createTransport(options: TransportOptions, direct: OpenReply): Transport {
  const { transport = 'direct', openByPage } = options
  const { origin } = new URL(options.baseUrl)
  const judge = (_account: Account, error: unknown) => explained(error, options)
  if (!openByPage) return { openReply: direct, judge, close() {} }

  /** Whether it is the site's page that makes such a request: no upload to storage, nothing with a key. */
  const isPages = ({ account, method, url }: ReplyRequest): boolean =>
    account?.kind !== 'api-key' && method !== 'PUT' && url.origin === origin
  const byPage: OpenReply = async (request) => (await openByPage(request)) ?? direct(request)

  if (transport === 'browser') {
    return {
      openReply: (request) => (isPages(request) ? byPage(request) : direct(request)),
      judge: (_account, error) => explained(again(error), options),
      close() {},
    }
  }

  const findings = createFindings(options, direct)
  return {
    openReply(request) {
      if (!isPages(request)) return direct(request)
      if (findings.isChallenged(request.account)) return byPage(request)
      // An ask is sent again by whoever has a new token for it (`judge`); anything else is here.
      if (request.method === 'POST') return direct(request)
      return openUnlessChallenged(request)
    },
    judge(account, error) {
      if (!isChallenge(error) || account.kind === 'api-key') return error
      findings.note(account)
      return explained(again(error), options)
    },
    close: findings.close,
  }

  async function openUnlessChallenged(request: ReplyRequest): Promise<Reply> {
    const reply = await withoutChallenge(await direct(request))
    if (reply) return reply
    findings.note(request.account)
    return byPage(request)
  }
}

interface Finding {
  readonly checkedMs: number
}

/** Which egress the edge challenges. */
function createFindings(
  { baseUrl, proxyUrl, findings: store, clock, logger }: TransportOptions,
  direct: OpenReply,
) {
  const found = new Map<string, Finding>()
  const probing = new Map<string, AbortController>()
  // The proxy's URL may hold a password.
  const egressOf = (account: Account | undefined): string => {
    const proxy = account?.proxyUrl ?? proxyUrl
    return proxy === undefined ? 'none' : createHash('sha256').update(proxy).digest('hex').slice(0, 16)
  }
  const reader = store && setInterval(read, readMs).unref()
  void read()

  return {
    isChallenged(account: Account | undefined): boolean {
      if (found.size === 0) return false
      const egress = egressOf(account)
      const finding = found.get(egress)
      if (!finding) return false
      if (clock.now() - finding.checkedMs >= rememberMs && account) void probe(egress, account)
      return true
    },
    note(account: Account | undefined): void {
      const egress = egressOf(account)
      if (!found.has(egress)) {
        const egressName = egress === 'none' ? 'no proxy' : 'a proxy'
        logger.warn({ egress: egressName }, 'the site challenges this program: its page asks from now on')
      }
      save(egress)
    },
    close(): void {
      clearInterval(reader)
      for (const controller of probing.values()) controller.abort('over')
    },
  }

  function save(egress: string): void {
    const finding = { checkedMs: clock.now() }
    found.set(egress, finding)
    const document = { id: egress, owner, text: JSON.stringify(finding), lifeMs: findingLifeMs }
    // Without the store every replica finds out by itself.
    store?.saveDocument('transport-finding', document).catch(() => {})
  }

  async function read(): Promise<void> {
    if (!store) return
    try {
      const startedMs = clock.now()
      const documents = await store.listDocuments('transport-finding', owner, 1_000)
      const shared = new Map(documents.map(({ id, text }) => [id, JSON.parse(text) as Finding]))
      for (const [id, { checkedMs }] of found) if (!shared.has(id) && checkedMs < startedMs) found.delete(id)
      for (const [id, finding] of shared) found.set(id, finding)
    } catch {
      // Unreachable: what is known counts.
    }
  }

  /** Asks directly what nobody waits for. */
  async function probe(egress: string, account: Account): Promise<void> {
    if (probing.has(egress) || account.kind !== 'cookie') return
    const controller = new AbortController()
    probing.set(egress, controller)
    const timer = setTimeout(() => controller.abort('late'), probeMs)
    try {
      const reply = await withoutChallenge(
        await direct({
          account,
          method: 'GET',
          url: new URL('/api/is_login', baseUrl),
          headers: { accept: 'application/json', cookie: account.cookie },
          signal: controller.signal,
        }),
      )
      reply?.close()
      if (!reply) return save(egress)
      found.delete(egress)
      logger.info({}, 'the site no longer challenges this program: it asks directly again')
      await store?.removeDocument('transport-finding', egress)
    } catch {
      // Not reached: the next request looks again.
    } finally {
      clearTimeout(timer)
      probing.delete(egress)
    }
  }
}

/** @returns undefined for a challenge; else the reply, with what was read of it put back */
async function withoutChallenge(reply: Reply): Promise<Reply | undefined> {
  if (reply.headers['cf-mitigated'] === 'challenge') {
    reply.close()
    return undefined
  }
  if (!/^text\/html\b/.test(reply.headers['content-type'] ?? '')) return reply
  const text = await readText(reply, maxTextLength)
  if (isPage(text) && recognisePage(text)?.kind === 'challenged') return undefined
  let rest: Uint8Array | undefined = Buffer.from(text)
  return {
    status: reply.status,
    headers: reply.headers,
    async read() {
      const bytes = rest
      rest = undefined
      return bytes
    },
    close: () => reply.close(),
  }
}

const isChallenge = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && error.kind === 'challenged'

/** The page may be let in where this program, or the page of a moment ago, was not. */
function again(error: unknown): unknown {
  if (!isChallenge(error)) return error
  return new UpstreamError('challenged', { cause: error, askAgain: true })
}

/** None of them is known to help. */
const otherWays =
  'Try BROWSER_HEADED=1, a browser of your own (BROWSER_ENDPOINT), another address (PROXY_URL) or an API key.'

/** Says what was tried and what is left to try. */
function explained(error: unknown, { transport = 'direct', openByPage }: TransportOptions): unknown {
  if (!isChallenge(error)) return error
  const { askAgain, cause } = error
  const tried = openByPage
    ? transport === 'auto'
      ? `neither this program nor the page in its Chromium is let through. ${otherWays}`
      : `the page in its Chromium is not let through. ${otherWays}`
    : transport === 'direct'
      ? 'this program is not let through by itself, whatever its address. Set GENSPARK_TRANSPORT=auto, so that a page in Chromium asks.'
      : 'this program is not let through by itself, and RECAPTCHA_MODE leaves it without Chromium. Set GENSPARK_TRANSPORT=browser, or BROWSER_ENDPOINT, so that a page in Chromium asks.'
  return new UpstreamError('challenged', {
    message: `Detected Cloudflare Challenge Page: ${tried}`,
    cause,
    askAgain,
  })
}
