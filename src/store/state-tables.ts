import type { DatabaseSync } from 'node:sqlite'
import { LRUCache } from 'lru-cache'
import { type AccountHold, type CoolingKind, chatBindingMs, type RecordKind } from './store.ts'

/** What is known of an account beyond the life of the process. */
export interface SavedAccount {
  readonly account: string
  readonly hold?: AccountHold | undefined
  /** How often in a row it was rate limited. */
  readonly rateLimits: number
}

/** The `account` table: one row an account that is held or was rate limited, none for one in good health. */
export function createAccountTable(database: DatabaseSync) {
  const selectAll = database.prepare('SELECT * FROM account')
  const remove = database.prepare('DELETE FROM account WHERE account = ?')
  const upsert = database.prepare(
    `INSERT INTO account (account, hold_type, hold_kind, hold_ms, rate_limits) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (account) DO UPDATE SET hold_type = excluded.hold_type, hold_kind = excluded.hold_kind,
       hold_ms = excluded.hold_ms, rate_limits = excluded.rate_limits`,
  )
  return {
    all: (): SavedAccount[] => selectAll.all().map(parseAccount),
    save({ account, hold, rateLimits }: SavedAccount): void {
      if (!hold && rateLimits === 0) remove.run(account)
      else if (!hold) upsert.run(account, null, null, null, rateLimits)
      else if (hold.type === 'cooling') upsert.run(account, hold.type, hold.kind, hold.untilMs, rateLimits)
      else upsert.run(account, hold.type, hold.reason ?? null, hold.sinceMs, rateLimits)
    },
  }
}

function parseAccount(row: Record<string, unknown>): SavedAccount {
  const known = { account: String(row.account), rateLimits: Number(row.rate_limits) }
  const ms = Number(row.hold_ms)
  if (row.hold_type === 'signed-out') {
    const reason = row.hold_kind === 'plan-blocked' && ({ reason: 'plan-blocked' } as const)
    return { ...known, hold: { type: 'signed-out', sinceMs: ms, ...reason } }
  }
  // The column is written from a `CoolingKind` alone.
  if (row.hold_type === 'cooling') {
    return { ...known, hold: { type: 'cooling', kind: row.hold_kind as CoolingKind, untilMs: ms } }
  }
  return known
}

/** The time of last use is written no finer than this, so that a busy binding is not written at every answer. */
const touchMs = 60 * 60 * 1000
const pruneEveryMs = 60 * 60 * 1000
const pruneEveryWrites = 1000
const maxCached = 10_000

interface Binding {
  /** undefined: there is none. */
  readonly chatId: string | undefined
  readonly usedMs: number
}

/** The `chat_binding` table: (account, model) to the chat that continues; dropped `chatBindingMs` after its last use, and
 *  the longest unused first beyond `maxRows`. What was read or written last is cached, so a chat that continues touches
 *  the file once an hour. One process alone writes the file. */
export function createBindingTable(database: DatabaseSync, maxRows: number) {
  const select = database.prepare('SELECT chat_id, used_ms FROM chat_binding WHERE account = ? AND model = ?')
  const upsert = database.prepare(
    `INSERT INTO chat_binding (account, model, chat_id, used_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (account, model) DO UPDATE SET chat_id = excluded.chat_id, used_ms = excluded.used_ms
       WHERE chat_id <> excluded.chat_id OR used_ms <= excluded.used_ms - ${touchMs}`,
  )
  const remove = database.prepare('DELETE FROM chat_binding WHERE account = ? AND model = ?')
  const removeAll = database.prepare('DELETE FROM chat_binding WHERE account = ?')
  const removeUnused = database.prepare('DELETE FROM chat_binding WHERE used_ms <= ?')
  const removeSurplus = database.prepare(
    `DELETE FROM chat_binding WHERE (account, model) IN (
       SELECT account, model FROM chat_binding ORDER BY used_ms DESC LIMIT -1 OFFSET ?)`,
  )
  const cache = new LRUCache<string, Binding>({ max: maxCached })
  let prunedMs = Number.NEGATIVE_INFINITY
  let writes = 0

  function read(account: string, model: string): Binding {
    const key = keyOf(account, model)
    const cached = cache.get(key)
    if (cached) return cached
    const row = select.get(account, model)
    const binding = row ? { chatId: String(row.chat_id), usedMs: Number(row.used_ms) } : noBinding
    cache.set(key, binding)
    return binding
  }

  function prune(nowMs: number): void {
    prunedMs = nowMs
    writes = 0
    removeUnused.run(nowMs - chatBindingMs)
    if (Number(removeSurplus.run(maxRows).changes) > 0) cache.clear()
  }

  return {
    find(account: string, model: string, nowMs: number): string | undefined {
      const { chatId, usedMs } = read(account, model)
      return usedMs > nowMs - chatBindingMs ? chatId : undefined
    },
    save(account: string, model: string, chatId: string, nowMs: number): void {
      const key = keyOf(account, model)
      const cached = cache.get(key)
      if (cached?.chatId === chatId && cached.usedMs > nowMs - touchMs) return
      // Cached first: a file that fails costs persistence, not the chat.
      cache.set(key, { chatId, usedMs: nowMs })
      upsert.run(account, model, chatId, nowMs)
      writes += 1
      if (writes >= pruneEveryWrites || nowMs - prunedMs >= pruneEveryMs) prune(nowMs)
    },
    drop(account: string, model: string): void {
      cache.set(keyOf(account, model), noBinding)
      remove.run(account, model)
    },
    dropAll(account: string): void {
      removeAll.run(account)
      cache.clear()
    },
  }
}

const noBinding: Binding = { chatId: undefined, usedMs: Number.NEGATIVE_INFINITY }

/** An account key has no colon. */
const keyOf = (account: string, model: string): string => `${account}:${model}`

/** The `record` table: texts of other modules, by kind and id, in the order in which they were first saved. */
export function createRecordTable(database: DatabaseSync) {
  const select = database.prepare('SELECT id, text FROM record WHERE kind = ? ORDER BY rowid')
  const upsert = database.prepare(
    `INSERT INTO record (kind, id, text) VALUES (?, ?, ?)
     ON CONFLICT (kind, id) DO UPDATE SET text = excluded.text`,
  )
  const insert = database.prepare('INSERT OR IGNORE INTO record (kind, id, text) VALUES (?, ?, ?)')
  const remove = database.prepare('DELETE FROM record WHERE kind = ? AND id = ?')
  const selectOne = database.prepare('SELECT text FROM record WHERE kind = ? AND id = ?')
  return {
    some(kind: RecordKind, ids: readonly string[]): Map<string, string> {
      const found = new Map<string, string>()
      for (const id of ids) {
        const row = selectOne.get(kind, id)
        if (row) found.set(id, String(row.text))
      }
      return found
    },
    /** All or none, in one write. */
    change(kind: RecordKind, changes: ReadonlyMap<string, string | undefined>): void {
      if (changes.size === 0) return
      database.exec('BEGIN IMMEDIATE')
      try {
        for (const [id, text] of changes)
          if (text === undefined) remove.run(kind, id)
          else upsert.run(kind, id, text)
        database.exec('COMMIT')
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    },
    all: (kind: RecordKind): Map<string, string> =>
      new Map(select.all(kind).map((row) => [String(row.id), String(row.text)])),
    save: (kind: RecordKind, id: string, text: string): void => void upsert.run(kind, id, text),
    add: (kind: RecordKind, id: string, text: string): boolean => insert.run(kind, id, text).changes > 0,
    remove: (kind: RecordKind, id: string): void => void remove.run(kind, id),
  }
}
