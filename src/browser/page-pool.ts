import type { CookieAccount } from '../core/account.ts'
import type { AccountContext } from './account-context.ts'

export interface PagePool {
  /** A place in the account's context, opened when it has none; waits its turn when all contexts are in use.
   *  @throws the signal's reason */
  borrow(account: CookieAccount, signal: AbortSignal, use?: ContextUse): Promise<BorrowedContext>
  /** A place for a request in any context whose page for requests is open; undefined when there is none. */
  borrowOpen(): BorrowedContext | undefined
  /** Whether a borrower would get in without another account's context being closed for it. */
  hasRoomFor(account: CookieAccount): boolean
  /** Keys of the accounts whose context is open. The same set until one is opened or closed. */
  openAccounts(): ReadonlySet<string>
  /** Closes contexts that nobody used for `contextIdleMs`. @returns whether none is there */
  sweep(): boolean
  /** Closes the contexts of an account once nobody is in them. */
  forget(accountKey: string): void
  close(): Promise<void>
}

/** A context that carries a `request` is neither closed for another account nor replaced: its answer would be cut. */
export type ContextUse = 'mint' | 'request'

export interface BorrowedContext {
  readonly context: AccountContext
  /** Must be called once. */
  release(): void
  /** Closes the context under everybody in it: it hangs. One that carries requests loses its pages for tokens, and closes after
   *  the requests. */
  discard(): void
}

export interface PagePoolOptions {
  readonly open: (account: CookieAccount, onBroken: () => void) => AccountContext
  /** Contexts open at once. */
  readonly browserMaxPages: number
  readonly contextMaxAgeMs: number
  readonly contextMaxMints: number
  readonly contextIdleMs: number
  /** More contexts were opened than `browserMaxPages`, as all of those carry requests. */
  readonly onOverfull?: () => void
  /** A context goes so that another account gets its place. */
  readonly onEvicted?: () => void
}

interface Entry {
  readonly key: string
  /** Of none of our accounts (`CookieAccount.isGuest`), unless one of those has come in since. */
  isGuest: boolean
  readonly context: AccountContext
  readonly openedAt: number
  usedAt: number
  users: number
  /** Those of its users that are requests. */
  requests: number
  /** On its way out: takes no new users and closes when the last one leaves. */
  retired: boolean
  closed: Promise<void> | undefined
}

interface Waiter {
  readonly account: CookieAccount
  readonly use: ContextUse
  readonly enter: (borrowed: BorrowedContext) => void
}

export function createPagePool(options: PagePoolOptions): PagePool {
  /** Everything that counts against the limit; those that still close too. */
  const entries = new Set<Entry>()
  const queue = new Set<Waiter>()
  let openKeys: ReadonlySet<string> | undefined

  return {
    async borrow(account, signal, use = 'mint') {
      signal.throwIfAborted()
      const { promise, resolve: enter, reject } = Promise.withResolvers<BorrowedContext>()
      const waiter = { account, use, enter }
      const onAbort = () => {
        queue.delete(waiter)
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      queue.add(waiter)
      admit()
      return promise.finally(() => signal.removeEventListener('abort', onAbort))
    },
    borrowOpen() {
      for (const entry of entries) {
        if (!entry.retired && entry.context.openRequestPage) return enter(entry, 'request')
      }
      return undefined
    },
    hasRoomFor: (account) =>
      currentEntry(contextKey(account)) !== undefined || entries.size < options.browserMaxPages,
    openAccounts() {
      openKeys ??= new Set(
        [...entries].flatMap(({ retired, isGuest, key }) =>
          retired || isGuest ? [] : [key.slice(0, key.indexOf(' '))],
        ),
      )
      return openKeys
    },
    sweep() {
      for (const entry of entries) {
        if (entry.users === 0 && performance.now() - entry.usedAt > options.contextIdleMs) retire(entry)
      }
      return entries.size === 0 && queue.size === 0
    },
    forget(accountKey) {
      for (const entry of entries) if (entry.key.startsWith(`${accountKey} `)) retire(entry)
    },
    async close() {
      for (const entry of entries) entry.retired = true
      await Promise.all([...entries].map(closeEntry))
    },
  }

  /** Lets in whoever can be let in: those whose context is open at once, the others first come, first served. */
  function admit(): void {
    // Our own accounts first: a place that became free for one of them must not go to a guest.
    const inOrder = [...queue].sort(
      (one, other) => Number(one.account.isGuest ?? false) - Number(other.account.isGuest ?? false),
    )
    for (const waiter of inOrder) {
      const entry = currentEntry(contextKey(waiter.account)) ?? openEntry(waiter.account)
      if (!entry) continue
      queue.delete(waiter)
      if (!waiter.account.isGuest && entry.isGuest) {
        entry.isGuest = false
        openKeys = undefined
      }
      waiter.enter(enter(entry, waiter.use))
    }
    if (queue.size > 0) makeRoom()
  }

  function currentEntry(key: string): Entry | undefined {
    for (const entry of entries) {
      if (entry.key !== key || entry.retired) continue
      if (!isWornOut(entry) || (entry.requests > 0 && !entry.context.broken)) return entry
      retire(entry)
    }
    return undefined
  }

  function openEntry(account: CookieAccount): Entry | undefined {
    if (entries.size >= options.browserMaxPages && !mayOverfill()) return undefined
    const now = performance.now()
    const context = options.open(account, () => retire(entry))
    const entry: Entry = {
      key: contextKey(account),
      isGuest: account.isGuest ?? false,
      context,
      openedAt: now,
      usedAt: now,
      users: 0,
      requests: 0,
      retired: false,
      closed: undefined,
    }
    entries.add(entry)
    openKeys = undefined
    return entry
  }

  /** Where every context carries requests, which may take an hour, waiting for a place is hopeless: up to as many again are opened. */
  function mayOverfill(): boolean {
    if (entries.size >= 2 * options.browserMaxPages) return false
    for (const entry of entries) if (entry.requests === 0) return false
    options.onOverfull?.()
    return true
  }

  function enter(entry: Entry, use: ContextUse): BorrowedContext {
    entry.users += 1
    if (use === 'request') entry.requests += 1
    return {
      context: entry.context,
      release() {
        entry.users -= 1
        if (use === 'request') entry.requests -= 1
        entry.usedAt = performance.now()
        if (entry.retired && entry.users === 0) void closeEntry(entry)
        else if (queue.size > 0) admit()
      },
      discard() {
        entry.retired = true
        openKeys = undefined
        if (entry.requests === 0) void closeEntry(entry)
        else entry.context.closeTokenPages()
      },
    }
  }

  /** Sends off as many contexts as accounts wait for a place: those of guests first, unused ones before others, then the least
   *  recently used. A guest waits until there is room, or another guest can go for it. */
  function makeRoom(): void {
    const ours = [...queue].some(({ account }) => !account.isGuest)
    const waiting = new Set(
      [...queue].flatMap(({ account }) => (ours && account.isGuest ? [] : [contextKey(account)])),
    ).size
    const leaving = [...entries].filter((entry) => entry.retired).length
    const candidates = [...entries]
      .filter((entry) => !entry.retired && entry.requests === 0 && (ours || entry.isGuest))
      .sort(
        (one, other) =>
          Number(other.isGuest) - Number(one.isGuest) ||
          Number(one.users > 0) - Number(other.users > 0) ||
          one.usedAt - other.usedAt,
      )
    for (const entry of candidates.slice(0, Math.max(0, waiting - leaving))) {
      options.onEvicted?.()
      retire(entry)
    }
  }

  function retire(entry: Entry): void {
    if (entry.retired) return
    entry.retired = true
    openKeys = undefined
    if (entry.users === 0) void closeEntry(entry)
  }

  function closeEntry(entry: Entry): Promise<void> {
    entry.closed ??= entry.context.close().then(() => {
      entries.delete(entry)
      admit()
    })
    return entry.closed
  }

  function isWornOut({ context, openedAt }: Entry): boolean {
    const ageMs = performance.now() - openedAt
    return context.broken || context.mints >= options.contextMaxMints || ageMs > options.contextMaxAgeMs
  }
}

/** What a context, and each spare token of it, is made for: these cookies over this proxy. An account that is given another
 *  proxy is another context, so that nothing of it goes the old way. */
export const contextKey = ({ key, proxyUrl = '' }: CookieAccount): string => `${key} ${proxyUrl}`
