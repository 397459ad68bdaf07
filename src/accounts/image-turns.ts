/** Spreads images over the accounts: of one that makes many within a few minutes the site says, wrongly, that its limit is reached.
 *  Nobody waits for it: where all have made one of late, the one that has rested longest comes next. */
export interface ImageTurns {
  /** @param open  those to take first among the rested @returns the order in which to take them among equals */
  preferred(accounts: readonly string[], open?: readonly string[]): readonly string[] | undefined
  chosen(account: string): void
}

/** An account that made an image is passed over for so long, if another can make the next. */
const restMs = 35_000
/** In a longer list chance is enough. */
const longList = 500

export function createImageTurns(): ImageTurns {
  /** In order of time. */
  const askedAt = new Map<string, number>()

  return {
    preferred(accounts, open) {
      if (accounts.length < 2 || accounts.length > longList || askedAt.size === 0) return open
      const isRested = (account: string) => {
        const at = askedAt.get(account)
        return at === undefined || performance.now() - at >= restMs
      }
      const known = new Set(accounts)
      const tired = [...askedAt.keys()].filter((account) => known.has(account) && !isRested(account))
      return [...(open?.filter(isRested) ?? []), ...accounts.filter(isRested), ...tired]
    },
    chosen(account) {
      askedAt.delete(account)
      askedAt.set(account, performance.now())
      for (const [oldest, at] of askedAt) {
        if (performance.now() - at < restMs) break
        askedAt.delete(oldest)
      }
    },
  }
}
