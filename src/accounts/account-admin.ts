import { setTimeout as delay } from 'node:timers/promises'
import type { Account, CookieAccount } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { deadlineSignal } from '../core/deadline.ts'
import { ServiceError, UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { maxDocuments, type Store } from '../store/store.ts'
import type { AccountChange } from './account-record.ts'
import { type AccountEntry, type AccountRoster, longLabel, type NewAccount } from './account-roster.ts'
import type { Identify, SessionFacts } from './account-sessions.ts'
import { type AccountStateByUse, readAccountStates } from './account-states.ts'
import { createCooldowns } from './cooldowns.ts'
import type { AccountQuota } from './total-quota.ts'

/** What the operator sees and does of the accounts while the service runs. Nothing that it answers holds a secret. */
export interface AccountAdmin {
  list(): Promise<readonly AccountView[]>
  /** In the order given. One that is there already stays as it is; another session of a person who is there already takes the
   *  place of the first. @throws {InvalidRequestError} */
  add(accounts: readonly NewAccount[]): Promise<readonly AddedView[]>
  /** @param id  `acc_…`; a new secret gives the account a new one. @throws {InvalidRequestError} */
  change(id: string, change: AccountChange): Promise<AccountView>
  /** @throws {InvalidRequestError} `not_found` */
  remove(id: string): Promise<void>
  /** Asks the site: signed in ends a hold as signed out, signed out begins one.
   *  @throws {InvalidRequestError} `not_found` @throws {UpstreamError} when the site cannot say */
  check(id: string, signal: AbortSignal): Promise<AccountView>
  /** Asks the site once for the person of each account, where there are several, one after the other. Never rejects. */
  learnPersons(signal: AbortSignal): Promise<void>
  /** Uses a person once who is there by several sessions, as far as persons are known. */
  noticeTwins(): Promise<void>
}

export interface AddedView {
  readonly view: AccountView
  readonly outcome: 'added' | 'replaced' | 'already-there'
}

export interface AccountView extends AccountStateByUse {
  /** `acc_` and 8 hex digits, or 16 where another account shares the eight. */
  readonly id: string
  readonly kind: Account['kind']
  readonly note: string | undefined
  readonly paused: boolean
  readonly source: AccountEntry['source']
  readonly addedMs: number | undefined
  /** Scheme, host and port; who uses it stays inside. */
  readonly proxy: string | undefined
  /** When the site last renewed its session. */
  readonly renewedMs: number | undefined
  /** When its session ends, where the site or the import said so. */
  readonly endsMs: number | undefined
  /** The account that is used in its place: another session of the same person. */
  readonly twinOf?: string
  /** In the site's credits, when it was last asked. */
  readonly credits?: AccountQuota | undefined
}

export interface AccountAdminOptions {
  readonly roster: AccountRoster
  readonly store: Pick<
    Store,
    'countRateLimit' | 'accountStates' | 'clearHold' | 'setHold' | 'listDocuments' | 'removeDocument'
  >
  /** `Upstream.checkAccount`. */
  readonly checkAccount: (
    account: Account,
    signal: AbortSignal,
  ) => Promise<'signed-in' | 'signed-out' | 'plan-blocked' | 'credits-spent'>
  /** What is known of what each account has left. Absent: nothing is. */
  readonly credits?: { of(accountKey: string): AccountQuota | undefined }
  /** `Upstream.identify`. Absent: nobody is known by the site's own id. */
  readonly identify?: Identify | undefined
  readonly clock: Clock
  readonly logger: Logger
}

const creditsSpent = { type: 'cool-down', kind: 'quota-spent', doubles: true } as const

export function createAccountAdmin(options: AccountAdminOptions): AccountAdmin {
  const { roster, store, checkAccount, identify, clock, logger } = options
  const { sessions } = roster
  const cooldowns = createCooldowns({ store, clock, logger, maxBackOffMs: 0 })

  async function viewsOf(entries: readonly AccountEntry[]): Promise<AccountView[]> {
    const states = await readAccountStates(
      store,
      entries.map(({ account }) => account.key),
    )
    return entries.map((entry) => viewEntry(entry, states))
  }

  async function view(entry: AccountEntry): Promise<AccountView> {
    const states = await readAccountStates(store, [entry.account.key])
    return viewEntry(entry, states)
  }

  const viewEntry = (entry: AccountEntry, states: ReadonlyMap<string, AccountStateByUse>): AccountView => ({
    ...viewOf(entry, states.get(entry.account.key), sessions.facts(entry.account.key)),
    id: idOf(entry.account),
    credits: options.credits?.of(entry.account.key),
  })

  /** Labels are short enough that two of 10,000 accounts may share one. */
  function idOf(account: Account): string {
    const isShared = roster
      .entries()
      .some((other) => other.account.label === account.label && other.account.key !== account.key)
    return isShared ? longLabel(account) : account.label
  }

  /** Another session of a person who is there already. @returns keys of the accounts that took a place */
  async function replaceTwins(fresh: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const replaced = new Set<string>()
    if (fresh.size === 0 || !identify) return replaced
    await learnPersonsOf(identify, fresh)
    const places = new Map<string, AccountEntry>()
    // Those that were there come first, then the new ones in their order.
    const isFresh = ({ account }: AccountEntry) => Number(fresh.has(account.key))
    for (const entry of roster.entries().toSorted((one, other) => isFresh(one) - isFresh(other))) {
      const { key, label } = entry.account
      const person = sessions.personOf(key)
      if (person === undefined) continue
      const older = places.get(person)
      places.set(person, entry)
      if (!older || !fresh.has(key)) continue
      await roster.replace(older, entry)
      replaced.add(key)
      logger.info({ account: older.account.label, now: label }, 'another session of the same person')
    }
    return replaced
  }

  const cookieAccounts = () =>
    roster.entries().flatMap(({ account }) => (account.kind === 'cookie' ? [account] : []))

  const isUnknown = ({ key }: Account): boolean => sessions.personOf(key) === undefined

  async function learnPerson(identify: Identify, account: CookieAccount, signal: AbortSignal): Promise<void> {
    // A site that cannot say, or a guest: such an account stands for itself.
    const login = await identify(account, signal).catch(() => undefined)
    if (login?.person !== undefined) sessions.learnPerson(account.key, login.person)
  }

  /** Asks the site who the new accounts are, and those that it was not asked of before. */
  async function learnPersonsOf(identify: Identify, fresh: ReadonlySet<string>): Promise<void> {
    const signal = deadlineSignal(identifyMs)
    const unknown = cookieAccounts().filter(isUnknown)
    const asked = unknown.toSorted((one, other) => Number(fresh.has(other.key)) - Number(fresh.has(one.key)))
    await eachOf(asked.slice(0, maxIdentified), (account) => learnPerson(identify, account, signal))
  }

  /** For a cookie one question tells both whether it is signed in and whose it is. */
  async function ask(account: Account, signal: AbortSignal): ReturnType<typeof checkAccount> {
    if (account.kind === 'api-key' || !identify) return await checkAccount(account, signal)
    const { state, person } = await identify(account, signal)
    if (person !== undefined) sessions.learnPerson(account.key, person)
    return state
  }

  /** Links to its files open nothing without it, and must not do so again when it is added anew. */
  async function removeLinks(key: string): Promise<void> {
    for (const { id } of await store.listDocuments('file-link', key, maxDocuments))
      await store.removeDocument('file-link', id)
  }

  return {
    list: () => viewsOf(roster.entries()),

    async add(accounts) {
      const added = await roster.add(accounts)
      const fresh = new Set(added.flatMap(({ entry, isNew }) => (isNew ? [entry.account.key] : [])))
      for (const { entry, isNew } of added)
        if (isNew) logger.info({ account: entry.account.label }, 'account added')
      const replaced = await replaceTwins(fresh)
      const byKey = new Map(roster.entries().map((entry) => [entry.account.key, entry]))
      // One that was pasted along with another session of its person may be gone already.
      const shown = added.flatMap(({ entry: { account }, isNew }) => {
        const entry = byKey.get(account.key)
        if (!entry) return []
        const outcome = replaced.has(account.key) ? 'replaced' : isNew ? 'added' : 'already-there'
        return [{ entry, outcome } as const]
      })
      const views = await viewsOf(shown.map(({ entry }) => entry))
      return shown.flatMap(({ outcome }, index) => {
        const view = views[index]
        return view ? [{ view, outcome }] : []
      })
    },

    async change(id, change) {
      const entry = await roster.change(id, change)
      const fields = Object.entries(change).flatMap(([name, value]) => (value === undefined ? [] : [name]))
      logger.info({ account: id, now: entry.account.label, fields }, 'account changed')
      return view(entry)
    },

    async remove(id) {
      const { account, formerKeys } = roster.find(id)
      await roster.remove(id)
      for (const key of [account.key, ...formerKeys]) await removeLinks(key)
      logger.info({ account: id }, 'account removed')
    },

    async check(id, signal) {
      const entry = roster.find(id)
      const { key } = entry.account
      const found = await ask(entry.account, signal)
      const hold = (await store.accountStates([key])).get(key)?.hold
      // A cool-down is another matter: being signed in does not end it.
      if (found === 'signed-out') await store.setHold(key, { type: 'signed-out', sinceMs: clock.now() })
      else if (found === 'plan-blocked')
        await store.setHold(key, { type: 'signed-out', sinceMs: clock.now(), reason: found })
      else if (found === 'credits-spent') {
        const rest = await cooldowns.holdFor(key, creditsSpent, clock.now())
        if (hold?.type === 'signed-out') await store.clearHold(key)
        if (rest) await store.setHold(key, rest)
      } else if (hold?.type === 'signed-out' || hold?.kind === 'quota-spent') {
        // A key that has just answered a chat has credits, whatever it had before.
        if (hold.type === 'signed-out' || entry.account.kind === 'api-key') await store.clearHold(key)
      }
      return view(entry)
    },

    async learnPersons(signal) {
      const accounts = cookieAccounts()
      if (!identify || accounts.length < 2) return
      for (const account of accounts.filter(isUnknown).slice(0, maxIdentified)) {
        if (signal.aborted) return
        await learnPerson(identify, account, AbortSignal.any([signal, deadlineSignal(identifyMs)]))
      }
    },

    async noticeTwins() {
      const keys = roster.entries().map(({ account }) => account.key)
      const persons = keys.flatMap((key) => sessions.personOf(key) ?? [])
      if (new Set(persons).size === persons.length) return
      const states = await store.accountStates(keys)
      const signedOut = keys.filter((key) => states.get(key)?.hold?.type === 'signed-out')
      for (const { account, twinOf } of roster.useOnce(new Set(signedOut)))
        logger.warn(
          { account: account.label, used: twinOf },
          'two sessions of the same person: one of them is used, the other stands back',
        )
    },
  }
}

/** For all accounts whose person is asked for at one import, and how many they may be. */
const identifyMs = 5_000
const maxIdentified = 100
const identifiedAtOnce = 8

async function eachOf<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const work = async () => {
    for (const item of left) await action(item)
  }
  await Promise.all(Array.from({ length: identifiedAtOnce }, work))
}

const viewOf = (
  { account, note, paused, source, addedMs, endsMs, twinOf }: AccountEntry,
  state: AccountStateByUse = { inFlight: 0 },
  session?: SessionFacts,
): AccountView => ({
  ...state,
  renewedMs: session?.renewedMs,
  // A renewed session has an end of its own, or none that is known.
  endsMs: session ? session.endsMs : endsMs,
  id: account.label,
  kind: account.kind,
  note,
  paused,
  source,
  addedMs,
  proxy: account.proxyUrl && withoutUser(account.proxyUrl),
  ...(twinOf !== undefined && { twinOf }),
})

function withoutUser(proxyUrl: string): string | undefined {
  const url = URL.parse(proxyUrl)
  return url ? `${url.protocol}//${url.host}` : undefined
}

export interface CheckAccountsOptions {
  readonly admin: Pick<AccountAdmin, 'list' | 'check' | 'learnPersons' | 'noticeTwins'>
  readonly logger: Logger
  /** The service ends. */
  readonly signal: AbortSignal
}

/** For all that is asked at the start: a site that does not answer is no reason to go on asking. */
const startCheckMs = 60_000
/** Of a pool of thousands not each one is asked at every start; those that were found signed out before always are. */
const maxCheckedAtStart = 100

/** Asks the site once about each account, so that the log says at the start, and not at the first chat, which are signed out and whether
 *  the site is reached at all. One that an earlier process found signed out may be good again. Then persons who are there by two sessions are
 *  looked for. Never rejects. */
export async function checkAccounts({ admin, logger, signal }: CheckAccountsOptions): Promise<void> {
  const counts = { signedIn: 0, signedOut: 0, unknown: 0 }
  /** By what is wrong and where: one line, not one an account. */
  const failures = new Map<string, Failure>()
  const limit = AbortSignal.any([signal, deadlineSignal(startCheckMs)])
  try {
    const views = (await admin.list()).filter(({ paused, hold }) => !paused && hold?.type !== 'cooling')
    const out = views.filter(({ hold }) => hold?.type === 'signed-out')
    // A key is checked by a chat, which costs credits: not at each start.
    const others = views.filter(({ hold, kind }) => !hold && kind === 'cookie').slice(0, maxCheckedAtStart)
    await eachOf([...out, ...others], async (before) => {
      if (signal.aborted) return
      try {
        const { hold } = await admin.check(before.id, limit)
        if (hold?.type === 'signed-out') {
          counts.signedOut += 1
          logger.warn({ account: before.id }, signedOutText[before.kind])
        } else {
          counts.signedIn += 1
          if (before.hold) logger.info({ account: before.id }, 'account is signed in again')
        }
      } catch (error) {
        counts.unknown += 1
        const failure = describeFailure(error, before)
        failures.set(JSON.stringify(failure), failure)
      }
    })
    await admin.learnPersons(limit)
    if (!signal.aborted) await admin.noticeTwins()
  } catch (error) {
    logger.warn({ err: error }, 'the accounts could not be checked')
  }
  if (signal.aborted) return
  for (const { text, ...fields } of failures.values()) logger.warn(fields, text)
  const asked = counts.signedIn + counts.signedOut + counts.unknown
  if (asked > 0) logger.info(counts, 'accounts checked')
}

const signedOutText = {
  cookie:
    'this account is signed out and serves nobody: sign in at the site with your browser and replace its cookie, in GS_COOKIE or by PATCH /admin/accounts/ID',
  'api-key': 'this API key is refused: make a new one in your Genspark settings and set GENSPARK_API_KEY',
} as const satisfies Record<Account['kind'], string>

interface Failure {
  readonly text: string
  readonly reason: string
  readonly code?: string
  readonly proxy?: string
}

/** Of a network error the code alone: its message may hold the address of a proxy, with a password. */
function describeFailure(error: unknown, { proxy }: AccountView): Failure {
  const reason = error instanceof ServiceError ? error.message : 'no answer'
  const cause = error instanceof Error ? error.cause : undefined
  const code =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
  const isAnswer =
    error instanceof UpstreamError && (error.httpStatus !== undefined || error.kind === 'challenged')
  return {
    text: isAnswer
      ? 'Genspark did not say whether accounts are signed in; `genspark2api doctor` tries each way to ask'
      : proxy
        ? 'Genspark is unreachable through the proxy of this account, so that its chats fail: check COOKIE@proxy-url'
        : 'Genspark is unreachable, so that chats fail: check the network, PROXY_URL and GENSPARK_BASE_URL',
    reason,
    ...(code !== undefined && { code }),
    ...(proxy !== undefined && { proxy }),
  }
}

const minuteMs = 60_000
/** From one check of a signed-out account to the next. The first comes soon: the site may have been wrong for a moment. */
const recheckMs = [minuteMs, 10 * minuteMs, 20 * minuteMs, 30 * minuteMs]

export interface WatchSignedOutOptions extends CheckAccountsOptions {
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
      await admin.noticeTwins()
    } catch (error) {
      logger.warn({ err: error }, 'the signed-out accounts could not be checked')
    }
  }
}

async function signedOutOnes(admin: CheckAccountsOptions['admin']): Promise<string[]> {
  const views = await admin.list()
  return views.flatMap(({ id, hold, paused }) => (hold?.type === 'signed-out' && !paused ? [id] : []))
}

async function checkOne(id: string, { admin, logger, signal }: CheckAccountsOptions): Promise<void> {
  try {
    const { hold } = await admin.check(id, signal)
    if (!hold) logger.info({ account: id }, 'account is signed in again')
  } catch (error) {
    if (!signal.aborted) logger.warn({ account: id, err: error }, 'account could not be checked')
  }
}
