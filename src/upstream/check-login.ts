import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { UpstreamError } from '../core/errors.ts'
import { recogniseReply } from './failures/recognise-reply.ts'
import type { OpenReply } from './open-reply.ts'
import { isRecord, parseEvent } from './parse-event.ts'
import { readText } from './read-sse.ts'
import type { RequestHeaders } from './request-headers.ts'
import type { LoginState } from './upstream.ts'

const timeoutMs = 10_000

export interface LoginCheckOptions {
  readonly baseUrl: string
  readonly openReply: OpenReply
  readonly headers: RequestHeaders
  readonly clock: Clock
}

/** Contract: `Upstream.checkLogin`. Source: UPSTREAM 4.10, 5.8 */
export async function checkLogin(
  { baseUrl, openReply, headers, clock }: LoginCheckOptions,
  account: Account,
  signal: AbortSignal,
): Promise<LoginState> {
  signal.throwIfAborted()
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const reply = await openReply({
      url: new URL('/api/is_login', baseUrl),
      method: 'GET',
      headers: headers.site(account),
      signal: AbortSignal.any([signal, timeout]),
    })
    const text = await readText(reply.body)
    const state = reply.status === 200 ? parseLoginState(text) : undefined
    if (state) return state
    const failure = recogniseReply({ ...reply, text, bound: false, nowMs: clock.now() })
    if (failure.kind === 'signed-out') return 'signed-out'
    throw failure
  } catch (error) {
    signal.throwIfAborted()
    if (timeout.aborted) throw new UpstreamError('first-event-timeout', { cause: error })
    throw error
  }
}

function parseLoginState(text: string): LoginState | undefined {
  const data = parseEvent(text)?.data
  if (!isRecord(data) || typeof data.is_login !== 'boolean') return undefined
  return data.is_login ? 'signed-in' : 'signed-out'
}
