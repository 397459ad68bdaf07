import type { CookieAccount } from '../core/account.ts'
import { UpstreamError } from '../core/errors.ts'
import { callSite, type SiteAccess } from './call-site.ts'
import { isRecord } from './parse-event.ts'
import type { LoginState } from './upstream.ts'

/** Contract: `Upstream.checkLogin`. Source: UPSTREAM 4.10, 5.8 */
export async function checkLogin(
  access: SiteAccess,
  account: CookieAccount,
  signal: AbortSignal,
): Promise<LoginState> {
  try {
    const { data } = await callSite(access, { path: '/api/is_login', account, signal })
    if (!isRecord(data) || typeof data.is_login !== 'boolean') throw new UpstreamError('malformed')
    return data.is_login ? 'signed-in' : 'signed-out'
  } catch (error) {
    if (error instanceof UpstreamError && error.kind === 'signed-out') return 'signed-out'
    throw error
  }
}
