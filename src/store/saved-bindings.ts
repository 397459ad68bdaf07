import type { DatabaseSync } from 'node:sqlite'
import { chatBindingMs } from './store.ts'

/** The time of last use is written no finer than this, so that a busy binding is not written at every answer. */
const touchMs = 60 * 60 * 1000
const pruneEveryMs = 60 * 60 * 1000
const pruneEveryWrites = 1000

/** The `chat_binding` table: (account, model) to the chat that continues; dropped `chatBindingMs` after its last use, and
 *  the longest unused first beyond `maxRows`. */
export function createSavedBindings(database: DatabaseSync, maxRows: number) {
  const select = database.prepare(
    'SELECT chat_id FROM chat_binding WHERE account = ? AND model = ? AND used_ms > ?',
  )
  const upsert = database.prepare(
    `INSERT INTO chat_binding (account, model, chat_id, used_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (account, model) DO UPDATE SET chat_id = excluded.chat_id, used_ms = excluded.used_ms
       WHERE chat_id <> excluded.chat_id OR used_ms <= excluded.used_ms - ${touchMs}`,
  )
  const remove = database.prepare('DELETE FROM chat_binding WHERE account = ? AND model = ?')
  const removeUnused = database.prepare('DELETE FROM chat_binding WHERE used_ms <= ?')
  const removeSurplus = database.prepare(
    `DELETE FROM chat_binding WHERE (account, model) IN (
       SELECT account, model FROM chat_binding ORDER BY used_ms DESC LIMIT -1 OFFSET ?)`,
  )
  let prunedMs = Number.NEGATIVE_INFINITY
  let writes = 0

  function prune(nowMs: number): void {
    prunedMs = nowMs
    writes = 0
    removeUnused.run(nowMs - chatBindingMs)
    removeSurplus.run(maxRows)
  }

  return {
    find(account: string, model: string, nowMs: number): string | undefined {
      const row = select.get(account, model, nowMs - chatBindingMs)
      return row && String(row.chat_id)
    },
    save(account: string, model: string, chatId: string, nowMs: number): void {
      upsert.run(account, model, chatId, nowMs)
      writes += 1
      if (writes >= pruneEveryWrites || nowMs - prunedMs >= pruneEveryMs) prune(nowMs)
    },
    drop(account: string, model: string): void {
      remove.run(account, model)
    },
  }
}
