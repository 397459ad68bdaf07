/** Which accounts to take among equals: those whose page is open, since opening a page costs a second of processor time and may
 *  close that of another account. So that the others serve as well, the page of one that has served least is opened now and then:
 *  with 20 accounts after 30 requests on the open ones. */
export interface PreferOpen {
  /** @param accounts  all to choose among @returns of these the first that is as good as any other; undefined: any */
  preferred(accounts: readonly string[]): readonly string[] | undefined
  /** @param preferred  as it was named for this choice */
  chosen(account: string, preferred: readonly string[] | undefined): void
}

/** In 2,000 requests, also on two replicas that count apart, everybody gets more than half of an even share. */
const turnsOfAll = 600
/** In a longer list an open page would have to be left after a few requests, so that it gains nothing: all take turns. */
const manyAccounts = 60
/** In a list longer still every look costs too much, and chance is even enough. */
const longList = 500
/** Of those that served least, so many are named: some may be held. */
const maxNamed = 8
/** One that is new, or back from a long rest, is not to serve all alone until it has caught up with more. */
const furthestBehind = 100

/** @param openAccounts  keys of the accounts whose page is open or that have a spare token */
export function createPreferOpen(openAccounts: () => ReadonlySet<string>): PreferOpen {
  const counts = new Map<string, number>()
  const countOf = (account: string) => counts.get(account) ?? 0
  const byCount = (one: string, other: string) => countOf(one) - countOf(other)
  let sinceOpening = 0

  function leastServed(accounts: readonly string[]): readonly string[] {
    let least: string[] = []
    let count = Number.POSITIVE_INFINITY
    for (const account of accounts) {
      const own = countOf(account)
      if (own > count) continue
      if (own < count) least = []
      count = own
      if (least.length < maxNamed) least.push(account)
    }
    return least
  }

  return {
    preferred(accounts) {
      if (accounts.length < 2 || accounts.length > longList) return undefined
      const open = openAccounts()
      if (open.size === 0) return undefined
      if (accounts.length > manyAccounts) return leastServed(accounts)
      let most = 0
      for (const account of accounts) most = Math.max(most, countOf(account))
      const named: string[] = []
      const others: string[] = []
      for (const account of accounts) {
        if (countOf(account) < most - furthestBehind) counts.set(account, most - furthestBehind)
        if (open.has(account)) named.push(account)
        else others.push(account)
      }
      named.sort(byCount)
      if (others.length === 0 || sinceOpening < turnsOfAll / accounts.length) return named
      return [...leastServed(others), ...named]
    },
    chosen(account, preferred = []) {
      const open = openAccounts()
      // Those named before it are held: until they are back they must not keep the others from their turns.
      for (const passed of preferred) {
        if (passed === account || open.has(passed)) break
        counts.set(passed, countOf(passed) + 1)
      }
      counts.set(account, countOf(account) + 1)
      sinceOpening = open.has(account) ? sinceOpening + 1 : 0
    },
  }
}
