// Dialect `openai-billing`: the dashboard figures that NextChat and one-api read; one credit of the site stands for one dollar.
// Pure: touches nothing.

/** In credits, over all accounts. */
export interface BillingFigures {
  readonly remaining: number
  /** What the period began with; undefined where the site does not say. */
  readonly limit: number | undefined
}

/** Shown where the site gives no figures. */
const unknownLimit = 1_000_000
/** one-api disables a channel for good when nothing is left; credits come back by themselves. */
const leastBalance = 0.01

export function encodeSubscription(figures: BillingFigures | undefined, nowMs: number) {
  const limit = figures ? used(figures) + Math.max(figures.remaining, leastBalance) : unknownLimit
  return {
    object: 'billing_subscription',
    has_payment_method: true,
    soft_limit_usd: limit,
    hard_limit_usd: limit,
    system_hard_limit_usd: limit,
    access_until: Math.floor(nowMs / 1000) + 365 * 24 * 60 * 60,
  }
}

/** `total_usage` is in cents. */
export const encodeBillingUsage = (figures: BillingFigures | undefined) => ({
  object: 'list',
  total_usage: figures ? used(figures) * 100 : 0,
})

const used = ({ limit, remaining }: BillingFigures): number =>
  limit === undefined ? 0 : Math.max(limit - remaining, 0)
