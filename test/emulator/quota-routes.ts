import { defaultQuota } from './quotas.ts'
import type { Exchange, Route } from './route.ts'

const quotaOf = ({ site, account }: Exchange) => site.quotas.get(account) ?? defaultQuota

const credits: Route = {
  needsLogin: true,
  answer: (exchange) => ({ status: 0, data: { remaining: quotaOf(exchange).remaining } }),
}

/** WIRE 5.8 */
export const quotaRoutes: Readonly<Record<string, Route>> = {
  'GET /api/payment/get_credit_balance': credits,
  'GET /api/credit_audit/billing_cycle': credits,
  'GET /api/quota/free_pool': {
    needsLogin: true,
    answer: (exchange) => ({ windows: quotaOf(exchange).windows }),
  },
}
