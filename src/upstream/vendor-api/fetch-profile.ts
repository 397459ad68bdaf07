import type { ApiKeyAccount } from '../../core/account.ts'
import { UpstreamError } from '../../core/errors.ts'
import { callSite, type SiteAccess } from '../call-site.ts'
import { isRecord } from '../parse-event.ts'
import type { LoginState, Quota } from '../upstream.ts'

const path = '/api/tool_cli/me'

/** Is the key good? Contract: `Upstream.checkLogin`. Source: the vendor's own command line, `gsk me` */
export async function checkKey(
  access: SiteAccess,
  account: ApiKeyAccount,
  signal: AbortSignal,
): Promise<LoginState> {
  try {
    await callSite(access, { path, account, signal })
    return 'signed-in'
  } catch (error) {
    // What a page's token is to a session, the key is to this surface.
    if (error instanceof UpstreamError && refusals.has(error.kind)) return 'signed-out'
    throw error
  }
}

const refusals: ReadonlySet<string> = new Set(['signed-out', 'token-refused'])

/** Contract: `Upstream.quota`. */
export async function fetchKeyQuota(
  access: SiteAccess,
  account: ApiKeyAccount,
  signal: AbortSignal,
): Promise<Quota | undefined> {
  const answer = await callSite(access, { path, account, signal })
  const profile = isRecord(answer.data) ? answer.data : answer
  const { credit_balance: remaining } = profile
  return typeof remaining === 'number' ? { remaining, limit: undefined } : undefined
}
