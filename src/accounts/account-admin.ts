import { setTimeout as delay } from 'node:timers/promises'
import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { AccountState, Store } from '../store/store.ts'
import type { AccountChange } from './account-record.ts'
import type { AccountEntry, AccountRoster, NewAccount } from './account-roster.ts'

/** What the operator sees and does of the accounts while the service runs. Nothing that it answers holds a secret. */
export interface AccountAdmin {
  list(): Promise<readonly AccountView[]>
  /** In the order given; one that is there already stays as it is. @throws {InvalidRequestError} */
  add(
    accounts: readonly NewAccount[],
  ): Promise<readonly { readonly view: AccountView; readonly isNew: boolean }[]>
  /** @param id  `acc_…`; a new secret gives the account a new one. @throws {InvalidRequestError} */
  change(id: string, change: AccountChange): Promise<AccountView>
  /** @throws {InvalidRequestError} `not_found` */
  remove(id: string): Promise<void>
  /** Asks the site: signed in ends a hold as signed out, signed out begins one.
   *  @throws {InvalidRequestError} `not_found` @throws {UpstreamError} when the site cannot say */
  check(id: string, signal: AbortSignal): Promise<AccountView>
}

export interface AccountView extends AccountState {
  /** `acc_` and 8 hex digits. */
  readonly id: string
  readonly kind: Account['kind']
  readonly note: string | undefined
  readonly paused: boolean
  readonly source: AccountEntry['source']
  readonly addedMs: number | undefined
  /** Scheme, host and port; who uses it stays inside. */
  readonly proxy: string | undefined
}

export interface AccountAdminOptions {
  readonly roster: AccountRoster
  readonly store: Pick<Store, 'accountStates' | 'clearHold' | 'setHold'>
  /** `Upstream.checkLogin`. */
  readonly checkLogin: (account: Account, signal: AbortSignal) => Promise<'signed-in' | 'signed-out'>
  readonly clock: Clock
  readonly logger: Logger
}

export function createAccountAdmin(options: AccountAdminOptions): AccountAdmin {
  const { roster, store, checkLogin, clock, logger } = options

  async function viewsOf(entries: readonly AccountEntry[]): Promise<AccountView[]> {
    const states = await store.accountStates(entries.map(({ account }) => account.key))
    return entries.map((entry) => viewOf(entry, states.get(entry.account.key)))
  }

  async function view(entry: AccountEntry): Promise<AccountView> {
    const states = await store.accountStates([entry.account.key])
    return viewOf(entry, states.get(entry.account.key))
  }

  return {
    list: () => viewsOf(roster.entries()),

    async add(accounts) {
      const added = await roster.add(accounts)
      for (const { entry, isNew } of added)
        if (isNew) logger.info({ account: entry.account.label }, 'account added')
      const views = await viewsOf(added.map(({ entry }) => entry))
      return views.map((each, index) => ({ view: each, isNew: added[index]?.isNew ?? false }))
    },

    async change(id, change) {
      const entry = await roster.change(id, change)
      const fields = Object.entries(change).flatMap(([name, value]) => (value === undefined ? [] : [name]))
      logger.info({ account: id, now: entry.account.label, fields }, 'account changed')
      return view(entry)
    },

    async remove(id) {
      await roster.remove(id)
      logger.info({ account: id }, 'account removed')
    },

    async check(id, signal) {
      const entry = roster.find(id)
      const { key } = entry.account
      const login = await checkLogin(entry.account, signal)
      const hold = (await store.accountStates([key])).get(key)?.hold
      // A cool-down is another matter: being signed in does not end it.
      if (login === 'signed-out') await store.setHold(key, { type: 'signed-out', sinceMs: clock.now() })
      else if (hold?.type === 'signed-out') await store.clearHold(key)
      return view(entry)
    },
  }
}

const viewOf = (
  { account, note, paused, source, addedMs }: AccountEntry,
  state: AccountState = { inFlight: 0 },
): AccountView => ({
  ...state,
  id: account.label,
  kind: account.kind,
  note,
  paused,
  source,
  addedMs,
  proxy: account.proxyUrl && withoutUser(account.proxyUrl),
})

function withoutUser(proxyUrl: string): string | undefined {
  const url = URL.parse(proxyUrl)
  return url ? `${url.protocol}//${url.host}` : undefined
}

export interface CheckSignedOutOptions {
  readonly admin: Pick<AccountAdmin, 'list' | 'check'>
  readonly logger: Logger
  /** The service ends. */
  readonly signal: AbortSignal
}

/** Accounts that an earlier process found signed out are asked for once, one after the other: their cookies may be good again.
 *  Never rejects. */
export async function checkSignedOut({ admin, logger, signal }: CheckSignedOutOptions): Promise<void> {
  try {
    for (const id of await signedOutOnes(admin)) {
      if (signal.aborted) return
      await checkOne(id, { admin, logger, signal })
    }
  } catch (error) {
    logger.warn({ err: error }, 'the signed-out accounts could not be checked')
  }
}

const minuteMs = 60_000
/** From one check of a signed-out account to the next. The first comes soon: the site may have been wrong for a moment. */
const recheckMs = [minuteMs, 10 * minuteMs, 20 * minuteMs, 30 * minuteMs]

export interface WatchSignedOutOptions extends CheckSignedOutOptions {
  readonly clock: Clock
  /** Default 20 s. */
  readonly tickMs?: number
}

/** Looks at signed-out accounts again and again, less and less often, so that one which is good again serves without anybody's
 *  doing. Ends with `signal`; never rejects. */
export async function watchSignedOut(options: WatchSignedOutOptions): Promise<void> {
  const { admin, logger, signal, clock, tickMs = 20_000 } = options
  const due = new Map<string, { atMs: number; checks: number }>()
  const nextAfter = (checks: number) => {
    const waitMs = recheckMs[Math.min(checks, recheckMs.length - 1)] ?? minuteMs
    return { atMs: clock.now() + waitMs, checks }
  }
  while (!signal.aborted) {
    await delay(tickMs, undefined, { ref: false, signal }).catch(() => {})
    if (signal.aborted) return
    try {
      const ids = await signedOutOnes(admin)
      for (const id of due.keys()) if (!ids.includes(id)) due.delete(id)
      for (const id of ids) {
        const known = due.get(id)
        if (known && clock.now() < known.atMs) continue
        due.set(id, nextAfter(known ? known.checks + 1 : 0))
        if (known) await checkOne(id, { admin, logger, signal })
        if (signal.aborted) return
      }
    } catch (error) {
      logger.warn({ err: error }, 'the signed-out accounts could not be checked')
    }
  }
}

async function signedOutOnes(admin: CheckSignedOutOptions['admin']): Promise<string[]> {
  const views = await admin.list()
  return views.flatMap(({ id, hold, paused }) => (hold?.type === 'signed-out' && !paused ? [id] : []))
}

async function checkOne(id: string, { admin, logger, signal }: CheckSignedOutOptions): Promise<void> {
  try {
    const { hold } = await admin.check(id, signal)
    if (!hold) logger.info({ account: id }, 'account is signed in again')
  } catch (error) {
    if (!signal.aborted) logger.warn({ account: id, err: error }, 'account could not be checked')
  }
}
