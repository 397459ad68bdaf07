/** What is left for one account (WIRE 5.8). */
export interface AccountQuota {
  /** Credits. */
  readonly remaining: number
  /** Dollars of the free pool, by window. */
  readonly windows: Readonly<Record<'5h' | '7d', PoolWindow>>
}

export interface PoolWindow {
  readonly remaining_dollars: number
  readonly limit_dollars: number
  readonly spent_dollars: number
  /** Epoch seconds. */
  readonly reset_at: number
}

/** Of every account that a test has said nothing about. */
export const defaultQuota: AccountQuota = {
  remaining: 100,
  windows: {
    '5h': { remaining_dollars: 1.5, limit_dollars: 2, spent_dollars: 0.5, reset_at: 1790595239 },
    '7d': { remaining_dollars: 9, limit_dollars: 10, spent_dollars: 1, reset_at: 1791000000 },
  },
}
