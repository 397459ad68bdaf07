import type { CookieAccount } from '../core/account.ts'
import { callSite, isMissingRoute, type SiteAccess } from './call-site.ts'
import { isRecord } from './parse-event.ts'
import type { Quota } from './upstream.ts'

/** Either may be the one that the site has. */
const paths = ['/api/payment/get_credit_balance', '/api/credit_audit/billing_cycle']

/** Contract: `Upstream.quota`. Source: UPSTREAM 5.8 */
export async function fetchQuota(
  access: SiteAccess,
  account: CookieAccount,
  signal: AbortSignal,
): Promise<Quota | undefined> {
  for (const path of paths) {
    try {
      const quota = parseQuota(await callSite(access, { path, account, signal }))
      if (quota) return quota
    } catch (error) {
      if (!isMissingRoute(error)) throw error
    }
  }
  return undefined
}

function parseQuota(answer: Readonly<Record<string, unknown>>): Quota | undefined {
  const figures = isRecord(answer.data) ? answer.data : answer
  const remaining = firstFigure(figures, ['remaining', 'balance', 'credits'])
  if (remaining === undefined) return undefined
  return { remaining, limit: firstFigure(figures, ['limit', 'total']) }
}

/** Only `remaining` has been seen; the others are what such a figure is called elsewhere. */
function firstFigure(figures: Readonly<Record<string, unknown>>, names: readonly string[]) {
  return names.map((name) => figures[name]).find((value) => typeof value === 'number')
}
