import type { Account, ApiKeyAccount, CookieAccount } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { liveDeadline } from '../core/deadline.ts'
import { UpstreamError } from '../core/errors.ts'
import type { OpenReply, Reply } from '../core/open-reply.ts'
import { createCut } from './deadlines.ts'
import { isRecord, parseEvent } from './decode-parts.ts'
import { recogniseEvent, recogniseReply } from './failures.ts'
import type { RequestHeaders } from './request-headers.ts'
import type { Login, LoginState, ModelLists, Quota } from './upstream.ts'
import { recogniseCreditWall } from './vendor-api/vendor-failures.ts'

/** What every request to the site is made with. */
export interface SiteAccess {
  readonly baseUrl: string
  readonly openReply: OpenReply
  readonly headers: RequestHeaders
  readonly clock: Clock
}

export interface SiteCall {
  readonly path: string
  /** Undefined: a public route. */
  readonly account: Account | undefined
  readonly accept?: string
  /** Posted as JSON; absent: a GET. */
  readonly body?: object
  /** Default: by whether there is a body. */
  readonly method?: 'GET' | 'POST'
  readonly signal: AbortSignal
}

/** For a whole call, from its request to its answer. */
const timeoutMs = 10_000

const maxAnswerLength = 4 * 1024 * 1024

/** Asks one of the JSON routes beside the asks. A missing route says nothing about the protocol.
 *  @throws {UpstreamError} for a failure or anything but a JSON object @throws `signal.reason` on abort
 *  Source: WIRE 4.10, 5.8 */
export async function callSite(
  { baseUrl, openReply, headers, clock }: SiteAccess,
  { path, account, accept, body, method = body ? 'POST' : 'GET', signal }: SiteCall,
): Promise<Readonly<Record<string, unknown>>> {
  signal.throwIfAborted()
  const cut = createCut(signal)
  const stop = liveDeadline(timeoutMs, () => cut.abort(new UpstreamError('first-event-timeout')))
  try {
    const reply = await openReply({
      account,
      method,
      url: new URL(path, baseUrl),
      headers: { ...headers.site(account, accept), ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: cut.signal,
    })
    const { status } = reply
    const wall = account?.kind === 'api-key' && recogniseCreditWall(reply.headers, clock.now())
    if (wall) {
      reply.close()
      throw wall
    }
    const text = await readText(reply, maxAnswerLength)
    const answer = status === 200 ? parseEvent(text) : undefined
    if (!answer)
      throw recogniseReply({ status, headers: reply.headers, text, bound: false, nowMs: clock.now() })
    const failure = recogniseEvent(answer)
    if (failure) throw failure
    return answer
  } finally {
    stop()
    cut.release()
  }
}

/** Whether the site lacks the route, as opposed to the route failing. */
export const isMissingRoute = (error: unknown): boolean =>
  error instanceof UpstreamError && error.kind === 'route-gone'

/** In characters; a failure's words are short. */
export const maxTextLength = 64 * 1024

/** As `readText`, for the words of a failure, which need not end: what has come within two seconds has to be enough. */
export async function readFailure(reply: Pick<Reply, 'read' | 'close'>): Promise<string> {
  const stop = liveDeadline(failureMs, () => reply.close())
  try {
    return await readText(reply)
  } finally {
    stop()
  }
}

const failureMs = 2_000

/** Reads a body of which no more than its beginning is wanted, and closes it. @param maxLength  in characters */
export async function readText(
  reply: Pick<Reply, 'read' | 'close'>,
  maxLength = maxTextLength,
): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    while (text.length < maxLength) {
      const bytes = await reply.read()
      if (!bytes) return text + decoder.decode()
      text += decoder.decode(bytes, { stream: true })
    }
    return text.slice(0, maxLength)
  } finally {
    reply.close()
  }
}

/** Contract: `Upstream.identify`, and of it `checkLogin`. Source: WIRE 4.10, 5.8 */
export async function identify(
  access: SiteAccess,
  account: CookieAccount,
  signal: AbortSignal,
): Promise<Login> {
  try {
    const { data } = await callSite(access, { path: '/api/is_login', account, signal })
    if (!isRecord(data) || typeof data.is_login !== 'boolean') throw new UpstreamError('malformed')
    if (!data.is_login) return signedOut
    const { cogen_id: person } = data
    return { state: 'signed-in', person: typeof person === 'string' && person !== '' ? person : undefined }
  } catch (error) {
    if (error instanceof UpstreamError && error.kind === 'signed-out') return signedOut
    throw error
  }
}

const signedOut: Login = { state: 'signed-out', person: undefined }

/** Is the key good? Contract: `Upstream.checkLogin`. Source: the vendor's own command line, `gsk me` */
export async function checkKey(
  access: SiteAccess,
  account: ApiKeyAccount,
  signal: AbortSignal,
): Promise<LoginState> {
  try {
    await callSite(access, { path: keyProfilePath, account, signal })
    return 'signed-in'
  } catch (error) {
    // With a key there is no page token: a refusal of the token is one of the key.
    if (error instanceof UpstreamError && refusals.has(error.kind)) return 'signed-out'
    throw error
  }
}

const keyProfilePath = '/api/tool_cli/me'

const refusals: ReadonlySet<string> = new Set(['signed-out', 'token-refused'])

/** Contract: `Upstream.quota`. Source: WIRE 5.8 */
export async function fetchQuota(
  access: SiteAccess,
  account: CookieAccount,
  signal: AbortSignal,
): Promise<Quota | undefined> {
  for (const path of quotaPaths) {
    try {
      const quota = parseQuota(await callSite(access, { path, account, signal }))
      if (quota) return quota
    } catch (error) {
      if (!isMissingRoute(error)) throw error
    }
  }
  return undefined
}

/** The first alone has been measured; the site has had one or the other of the rest. */
const quotaPaths = [
  '/api/quota/free_pool?category=chat',
  '/api/payment/get_credit_balance',
  '/api/credit_audit/billing_cycle',
]

function parseQuota(answer: Readonly<Record<string, unknown>>): Quota | undefined {
  const figures = isRecord(answer.data) ? answer.data : answer
  if (isRecord(figures.windows)) return tightestWindow(Object.values(figures.windows))
  const remaining = firstFigure(figures, ['remaining', 'balance', 'credits'])
  if (remaining === undefined) return undefined
  return { remaining, limit: firstFigure(figures, ['limit', 'total']) }
}

/** What is left is the least of what the windows have left. Source: WIRE 5.8 */
function tightestWindow(windows: readonly unknown[]): Quota | undefined {
  let tightest: Quota | undefined
  for (const window of windows) {
    if (!isRecord(window) || typeof window.remaining_dollars !== 'number') continue
    const { remaining_dollars: remaining, limit_dollars: limit } = window
    if (tightest && tightest.remaining <= remaining) continue
    tightest = { remaining, limit: typeof limit === 'number' ? limit : undefined }
  }
  return tightest
}

/** Only `remaining` has been seen; the others are common names for such a figure. */
function firstFigure(figures: Readonly<Record<string, unknown>>, names: readonly string[]) {
  return names.map((name) => figures[name]).find((value) => typeof value === 'number')
}

/** Contract: `Upstream.quota`, of a key. */
export async function fetchKeyQuota(
  access: SiteAccess,
  account: ApiKeyAccount,
  signal: AbortSignal,
): Promise<Quota | undefined> {
  const answer = await callSite(access, { path: keyProfilePath, account, signal })
  const profile = isRecord(answer.data) ? answer.data : answer
  const { credit_balance: remaining } = profile
  return typeof remaining === 'number' ? { remaining, limit: undefined } : undefined
}

/** Contract: `Upstream.deleteProject`. One that is gone already is deleted. Source: WIRE 4.10, 5.8 */
export async function deleteProject(
  access: SiteAccess,
  account: CookieAccount,
  { projectId, signal }: { readonly projectId: string; readonly signal: AbortSignal },
): Promise<void> {
  const path = `/api/project/delete?project_id=${encodeURIComponent(projectId)}`
  const { status, message } = await callSite(access, { path, account, signal })
  const isDone = status === undefined || status === 0 || /not found|not exist/i.test(String(message))
  if (!isDone) throw new UpstreamError('malformed', { message: 'Genspark did not delete the chat.' })
}

/** Contract: `Upstream.modelLists`. Hidden models are served but not listed. Source: WIRE 5.8 */
export async function fetchModelLists(access: SiteAccess, signal: AbortSignal): Promise<ModelLists> {
  const [text, media] = await Promise.all([
    callSite(access, { path: '/api/moa_models_config', account: undefined, signal }),
    callSite(access, { path: '/api/models_config', account: undefined, signal }),
  ])
  return { text: namesIn(text, 'models'), image: namesIn(media, 'image_models') }
}

/** The list stands at the top or in `data`. */
function namesIn(answer: Readonly<Record<string, unknown>>, key: string): readonly string[] {
  const list = answer[key] ?? (isRecord(answer.data) ? answer.data[key] : undefined)
  if (!Array.isArray(list)) return []
  return list.flatMap((model: unknown) => {
    // `auto` is a choice of the page and no model (WIRE 5.8).
    if (!isRecord(model) || model.hidden === true || model.name === 'auto') return []
    return typeof model.name === 'string' && model.name !== '' ? [model.name] : []
  })
}
