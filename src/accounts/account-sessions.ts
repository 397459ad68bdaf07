import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { CookieAccount } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { deadlineSignal } from '../core/deadline.ts'
import { createInTurn } from '../core/in-turn.ts'
import type { Logger } from '../core/logger.ts'
import {
  isSessionCookieName,
  mergeCookies,
  type SessionCookieName,
  type SetCookie,
  type SiteSessions,
} from '../core/site-session.ts'
import type { Seal } from '../store/seal.ts'
import type { Store } from '../store/store.ts'

/** What the site has renewed of each account's session (WIRE 2.3): in memory at once, in the store right after, shared by
 *  replicas. Nothing here changes who an account is: its key and label are those of the import. */
export interface AccountSessions extends SiteSessions {
  /** Reads what is stored. Never rejects. */
  open(): Promise<void>
  /** What may be told of a session; undefined: nothing of it was renewed. */
  facts(key: string): SessionFacts | undefined
  /** A digest of the site's id of the person, once it is known. */
  personOf(key: string): string | undefined
  /** Stores who the account is. */
  learnPerson(key: string, person: string): void
  /** An operator gave the cookie anew: it wins over what was renewed before. */
  pasted(key: string): Promise<void>
  /** The account was removed. */
  forget(key: string): Promise<void>
  /** Drops what it knows of accounts that are there no more; the store keeps it a while: settings may bring them back. */
  retain(isKnown: (key: string) => boolean): void
  close(): void
}

export interface SessionFacts {
  readonly renewedMs: number
  /** When the renewed `session_id` ends, where the site said so. */
  readonly endsMs: number | undefined
}

export interface AccountSessionsOptions {
  readonly store: Pick<Store, 'records' | 'saveRecord' | 'removeRecord' | 'onForeignRecords'>
  readonly seal: Seal
  readonly clock: Clock
  readonly logger: Logger
  /** `Upstream.identify`. Absent: a renewed `session_id` is taken as it is. */
  readonly identify?: Identify | undefined
}

export type Identify = (
  account: CookieAccount,
  signal: AbortSignal,
) => Promise<{ readonly state: 'signed-in' | 'signed-out'; readonly person: string | undefined }>

const cookieSchema = z.object({
  /** '' where the site took it away. */
  value: z.string(),
  /** Of the whole session when this was set. */
  revision: z.number().int().positive(),
  endsMs: z.number().optional(),
})

const recordSchema = z.object({
  /** How often an operator gave this very cookie anew: a later one wins over all that was renewed before. */
  pastes: z.number().int().nonnegative(),
  /** First 16 hex digits of SHA-256 over the site's id of the person. */
  person: z.string().optional(),
  renewedMs: z.number(),
  cookies: z.partialRecord(z.enum(['session_id', 'c1', 'c2', 'gslogin']), cookieSchema),
})

type SessionRecord = z.infer<typeof recordSchema>

interface Session {
  record: SessionRecord
  /** Counts the changes of `cookies` in this process. */
  revision: number
  /** `Cookie` header; undefined: to be made. */
  header: string | undefined
  /** The `session_id` before the last one, until the site says that the last one is good. */
  former: string | undefined
}

const noRecord: SessionRecord = { pastes: 0, renewedMs: 0, cookies: {} }

/** A session of an account that is there no more is dropped from the store at a start so long after it was renewed. */
const orphanMs = 30 * 24 * 60 * 60 * 1000
const identifyMs = 15_000
/** Nobody waits while thousands are opened. */
const openAtOnce = 100

export function createAccountSessions(options: AccountSessionsOptions): AccountSessions {
  const { store, seal, clock, logger, identify } = options
  const sessions = new Map<string, Session>()
  /** As they were last read or written, so that only what changed is opened. */
  const sealedTexts = new Map<string, string>()
  const unsaved = new Set<string>()
  /** The store would not take these. */
  const refused = new Set<string>()
  /** Each only once: a replica that seals with another key would seal it back, and so on without end. */
  const sealedAnew = new Set<string>()
  const closing = new AbortController()
  const inTurn = createInTurn()
  let isKnown: (key: string) => boolean = () => true
  let fails = false

  const unsubscribe = store.onForeignRecords((kind, ids) => {
    if (kind === 'session') void inTurn(() => reload(ids)).catch(warn)
  })

  function warn(error: unknown): void {
    if (!fails)
      logger.warn({ err: error }, 'renewed sessions cannot be stored or read: they live in memory alone')
    fails = true
  }

  function sessionOf(key: string): Session {
    let session = sessions.get(key)
    if (!session) {
      session = { record: noRecord, revision: 0, header: undefined, former: undefined }
      sessions.set(key, session)
    }
    return session
  }

  function put(key: string, record: SessionRecord): void {
    const session = sessionOf(key)
    session.record = record
    session.revision += 1
    session.header = undefined
  }

  function save(key: string): void {
    if (!unsaved.has(key)) void inTurn(() => write(key)).catch(warn)
    unsaved.add(key)
  }

  async function write(key: string): Promise<void> {
    const session = sessions.get(key)
    if (!session || !isKnown(key)) return void unsaved.delete(key)
    const text = seal.close(JSON.stringify(session.record), key)
    unsaved.delete(key)
    sealedTexts.set(key, text)
    try {
      await store.saveRecord('session', key, text)
      refused.delete(key)
      fails = false
    } catch (error) {
      sealedTexts.delete(key)
      refused.add(key)
      throw error
    }
  }

  /** Replicas that were apart meet again by this: each takes what the other has newer, and stores what the other lacks.
   *  @param ids  only these have changed; absent: nobody knows */
  async function reload(ids?: readonly string[]): Promise<void> {
    let unreadable = 0
    let count = 0
    for (const [key, text] of await store.records('session', ids)) {
      if (sealedTexts.get(key) === text) continue
      count += 1
      if (count % openAtOnce === 0) await nextTurn()
      sealedTexts.set(key, text)
      const opened = seal.open(text, key)
      const theirs = opened && decodeRecord(opened.text)
      if (!theirs) unreadable += 1
      if (!opened || !theirs) continue
      const mine = sessions.get(key)?.record
      const merged = mine ? mergeRecords(mine, theirs) : theirs
      if (!isSame(merged, mine)) put(key, merged)
      if (!isSame(merged, theirs) || (opened.stale && !sealedAnew.has(key))) save(key)
      if (opened.stale) sealedAnew.add(key)
    }
    for (const key of refused) save(key)
    if (unreadable > 0)
      logger.warn(
        { sessions: unreadable },
        'renewed sessions cannot be read: is the key that sealed them in STATE_KEY?',
      )
  }

  async function dropOrphans(): Promise<void> {
    for (const [key, { record }] of sessions) {
      if (isKnown(key)) continue
      sessions.delete(key)
      if (record.renewedMs < clock.now() - orphanMs) await store.removeRecord('session', key)
    }
  }

  /** A new session may be one of a guest: the site is asked who it is, and where it is nobody the former one counts again. */
  async function prove(account: CookieAccount): Promise<void> {
    if (!identify) return
    const { key, label } = account
    const asked = sessionOf(key).record.cookies.session_id?.value
    try {
      const signal = AbortSignal.any([closing.signal, deadlineSignal(identifyMs)])
      const { state, person } = await identify(account, signal)
      const session = sessions.get(key)
      if (!session || session.record.cookies.session_id?.value !== asked) return
      const isOther = person && session.record.person && digest(person) !== session.record.person
      if (state === 'signed-out' || isOther) revert(key, session)
      else if (person) learnPerson(key, person)
      session.former = undefined
      logger.info({ account: label, good: state === 'signed-in' && !isOther }, 'the site renewed a session')
    } catch {
      // The site cannot say: what it set stands.
    }
  }

  function revert(key: string, { record, former }: Session): void {
    if (former === undefined) return
    const revision = lastRevision(record) + 1
    put(key, { ...record, cookies: { ...record.cookies, session_id: { value: former, revision } } })
    save(key)
  }

  function learnPerson(key: string, person: string): void {
    const session = sessionOf(key)
    if (session.record.person === digest(person)) return
    session.record = { ...session.record, person: digest(person) }
    save(key)
  }

  function cookieOf(account: CookieAccount): string {
    const session = sessions.get(account.key)
    if (!session) return account.cookie
    session.header ??= headerOf(account.cookie, session.record)
    return session.header
  }

  return {
    open: () =>
      inTurn(async () => {
        await reload()
        await dropOrphans()
      }).catch(warn),

    cookieOf,

    revisionOf: ({ key }) => sessions.get(key)?.revision ?? 0,

    renew(account, set) {
      const { key } = account
      if (!isKnown(key)) return
      const sent = valuesOf(cookieOf(account))
      const endsMs = sessions.get(key)?.record.cookies.session_id?.endsMs
      const news = set.filter((cookie) => isNews(cookie, sent) || isLonger(cookie, endsMs))
      if (news.length === 0) return
      const session = sessionOf(key)
      const former = sent.get('session_id')
      put(key, renewRecord(session.record, news, clock.now()))
      save(key)
      if (!news.some(({ name, value }) => name === 'session_id' && value !== former)) return
      session.former ??= former
      void prove(account)
    },

    async refresh({ key }) {
      const before = sessions.get(key)?.revision ?? 0
      await inTurn(() => reload([key])).catch(warn)
      return (sessions.get(key)?.revision ?? 0) !== before
    },

    facts(key) {
      const { renewedMs, cookies } = sessions.get(key)?.record ?? noRecord
      return renewedMs === 0 ? undefined : { renewedMs, endsMs: cookies.session_id?.endsMs }
    },

    personOf: (key) => sessions.get(key)?.record.person,
    learnPerson,

    async pasted(key) {
      const session = sessions.get(key)
      if (!session) return
      const { pastes, person } = session.record
      session.former = undefined
      put(key, { ...noRecord, pastes: pastes + 1, person })
      await inTurn(() => write(key))
    },

    async forget(key) {
      sessions.delete(key)
      sealedTexts.delete(key)
      await inTurn(() => store.removeRecord('session', key))
    },

    retain(known) {
      isKnown = known
      for (const key of sessions.keys())
        if (!known(key)) {
          sessions.delete(key)
          sealedTexts.delete(key)
        }
    },

    close() {
      unsubscribe()
      closing.abort(new Error('the accounts were closed'))
    },
  }
}

export const digest = (person: string): string =>
  createHash('sha256').update(person).digest('hex').slice(0, 16)

function decodeRecord(text: string): SessionRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Whether the site says something new. It never takes `session_id` away: a reply to a guest may do so, and without it the
 *  account would be one for good. */
function isNews({ name, value }: SetCookie, sent: ReadonlyMap<string, string>): boolean {
  if (!isSessionCookieName(name) || (name === 'session_id' && value === '')) return false
  return value !== (sent.get(name) ?? '')
}

/** The same session with a new end. A site that moves the end with each answer is not followed each time. */
const isLonger = ({ name, value, endsMs }: SetCookie, known = 0): boolean =>
  name === 'session_id' && value !== '' && endsMs !== undefined && Math.abs(endsMs - known) > dayMs

const dayMs = 24 * 60 * 60 * 1000

function renewRecord(record: SessionRecord, news: readonly SetCookie[], nowMs: number): SessionRecord {
  const revision = lastRevision(record) + 1
  const renewed = news.map(({ name, value, endsMs }) => [name, { value, revision, endsMs }])
  return { ...record, renewedMs: nowMs, cookies: { ...record.cookies, ...Object.fromEntries(renewed) } }
}

const lastRevision = ({ cookies }: SessionRecord): number =>
  Math.max(0, ...Object.values(cookies).map(({ revision }) => revision))

/** What both know of one session. In whatever order replicas meet they come to the same: of each cookie the later revision wins;
 *  of two that were renewed at once one of them, the same everywhere. Pure. */
export function mergeRecords(one: SessionRecord, other: SessionRecord): SessionRecord {
  const person = [one.person, other.person].filter((each) => each !== undefined).sort()[0]
  if (one.pastes !== other.pastes) return { ...(one.pastes > other.pastes ? one : other), person }
  const cookies: SessionRecord['cookies'] = { ...one.cookies }
  for (const [name, theirs] of Object.entries(other.cookies)) {
    const mine = cookies[name as SessionCookieName]
    if (!mine || isLater(theirs, mine)) cookies[name as SessionCookieName] = theirs
  }
  return { pastes: one.pastes, person, renewedMs: Math.max(one.renewedMs, other.renewedMs), cookies }
}

type StoredCookie = z.infer<typeof cookieSchema>

const isLater = (one: StoredCookie, other: StoredCookie): boolean =>
  one.revision === other.revision ? one.value > other.value : one.revision > other.revision

function isSame(one: SessionRecord, other: SessionRecord | undefined): boolean {
  if (
    !other ||
    one.pastes !== other.pastes ||
    one.person !== other.person ||
    one.renewedMs !== other.renewedMs
  )
    return false
  const names = new Set([
    ...Object.keys(one.cookies),
    ...Object.keys(other.cookies),
  ]) as Set<SessionCookieName>
  return [...names].every(
    (name) =>
      one.cookies[name]?.revision === other.cookies[name]?.revision &&
      one.cookies[name]?.value === other.cookies[name]?.value,
  )
}

const headerOf = (imported: string, { cookies }: SessionRecord): string =>
  mergeCookies(imported, new Map(Object.entries(cookies).map(([name, { value }]) => [name, value])))

/** By name; where a name stands twice, the site takes the first. */
function valuesOf(header: string): Map<string, string> {
  const pairs = header.split('; ').map((pair): [string, string] => {
    const at = pair.indexOf('=')
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return new Map(pairs.reverse())
}
