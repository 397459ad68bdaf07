import { describe, expect, it } from 'vitest'
import {
  type BillingFigures,
  encodeBillingUsage,
  encodeSubscription,
} from '../../src/dialects/openai-billing.ts'

/** What one-api makes of the two answers. */
const balance = (figures: BillingFigures | undefined) =>
  encodeSubscription(figures, 0).hard_limit_usd - encodeBillingUsage(figures).total_usage / 100

describe('billing figures', () => {
  it('tell the limit in dollars and the usage in cents', () => {
    const figures = { remaining: 18.77, limit: 20 }
    expect(encodeSubscription(figures, 1_000)).toEqual({
      object: 'billing_subscription',
      has_payment_method: true,
      soft_limit_usd: 20,
      hard_limit_usd: 20,
      system_hard_limit_usd: 20,
      access_until: 31_536_001,
    })
    expect(encodeBillingUsage(figures)).toEqual({ object: 'list', total_usage: expect.closeTo(123, 6) })
    expect(balance(figures)).toBeCloseTo(18.77, 6)
  })

  it('without a limit the rest is the limit', () => {
    expect(encodeSubscription({ remaining: 42, limit: undefined }, 0).hard_limit_usd).toBe(42)
    expect(encodeBillingUsage({ remaining: 42, limit: undefined }).total_usage).toBe(0)
  })

  it.each([
    undefined,
    { remaining: 0, limit: 100 },
    { remaining: 0, limit: undefined },
    { remaining: 5, limit: 1 },
  ])('leave a balance above nothing for %j, so that one-api keeps the channel', (figures) => {
    expect(balance(figures)).toBeGreaterThan(0)
  })
})
