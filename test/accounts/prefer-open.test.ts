import { expect, it } from 'vitest'
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import { createPreferOpen } from '../../src/accounts/prefer-open.ts'
import { seededRandom } from './seeded-random.ts'

const names = (count: number) => Array.from({ length: count }, (_, index) => `a${index}`)

/** Serves requests, so many at once, over so many pages, of which the longest unused closes for another.
 *  @returns requests an account, and how often a page was opened */
function serve(
  accounts: readonly string[],
  { requests = 2_000, pages = 4, atOnce = 4, held = new Set<string>() },
) {
  const open: string[] = []
  const prefer = createPreferOpen(() => new Set(open))
  const choose = createChooseAccount(seededRandom(7))
  const served = new Map(accounts.map((account) => [account, 0]))
  const inFlight: string[] = []
  let opened = 0
  for (let request = 0; request < requests; request += 1) {
    if (inFlight.length === atOnce) inFlight.shift()
    const preferred = prefer.preferred(accounts)
    const candidates = accounts
      .filter((account) => !held.has(account))
      .map((account) => ({
        account,
        inFlight: inFlight.filter((each) => each === account).length,
        lastTurn: 0,
      }))
    const { account } = choose(candidates, 'least-busy', preferred)
    prefer.chosen(account, preferred)
    inFlight.push(account)
    served.set(account, (served.get(account) ?? 0) + 1)
    const index = open.indexOf(account)
    if (index !== -1) open.splice(index, 1)
    else opened += 1
    open.push(account)
    if (open.length > pages) open.shift()
  }
  return { counts: accounts.map((account) => served.get(account) ?? 0), opened }
}

it.each([
  [5, 4],
  [20, 4],
  [20, 1],
  [200, 4],
])(
  'FINDINGS P8: of %i accounts, %i at a time, each serves at least half of its even share',
  (count, atOnce) => {
    const { counts, opened } = serve(names(count), { atOnce })
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(2_000 / count / 2)
    // Chosen at random, four of five asks would open a page.
    if (count === 20) expect(opened).toBeLessThan(120)
  },
)

it('FINDINGS P8: accounts that are held keep nobody from serving on open pages', () => {
  const accounts = names(20)
  const held = new Set(accounts.slice(0, 10))
  const { counts, opened } = serve(accounts, { held })
  expect(Math.min(...counts.slice(10))).toBeGreaterThanOrEqual(2_000 / 20 / 2)
  expect(opened).toBeLessThan(120)
})

it('one that comes later does not serve alone until it has caught up', () => {
  const old = names(3)
  const prefer = createPreferOpen(() => new Set(['a0', 'late']))
  for (let request = 0; request < 3_000; request += 1) prefer.chosen(old[request % 3] ?? '', undefined)
  let alone = 0
  for (; alone < 3_000; alone += 1) {
    const preferred = prefer.preferred([...old, 'late'])
    if (preferred?.[0] !== 'late') break
    prefer.chosen('late', preferred)
  }
  expect(alone).toBeLessThan(500)
})

it('says nothing where no page is open', () => {
  expect(createPreferOpen(() => new Set()).preferred(names(20))).toBeUndefined()
})
