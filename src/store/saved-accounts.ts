import type { DatabaseSync } from 'node:sqlite'
import type { AccountHold, CoolingKind } from './store.ts'

/** What is known of an account beyond the life of the process. */
export interface SavedAccount {
  readonly account: string
  readonly hold?: AccountHold | undefined
  /** How often in a row it was rate limited. */
  readonly rateLimits: number
}

/** The `account` table: one row an account that is held or was rate limited, none for one in good health. */
export function createSavedAccounts(database: DatabaseSync) {
  const selectAll = database.prepare('SELECT * FROM account')
  const remove = database.prepare('DELETE FROM account WHERE account = ?')
  const upsert = database.prepare(
    `INSERT INTO account (account, hold_type, hold_kind, hold_ms, rate_limits) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (account) DO UPDATE SET hold_type = excluded.hold_type, hold_kind = excluded.hold_kind,
       hold_ms = excluded.hold_ms, rate_limits = excluded.rate_limits`,
  )
  return {
    all: (): SavedAccount[] => selectAll.all().map((row) => parseRow(row)),
    save({ account, hold, rateLimits }: SavedAccount): void {
      if (!hold && rateLimits === 0) remove.run(account)
      else if (!hold) upsert.run(account, null, null, null, rateLimits)
      else if (hold.type === 'cooling') upsert.run(account, hold.type, hold.kind, hold.untilMs, rateLimits)
      else upsert.run(account, hold.type, null, hold.sinceMs, rateLimits)
    },
  }
}

function parseRow(row: Record<string, unknown>): SavedAccount {
  const known = { account: String(row.account), rateLimits: Number(row.rate_limits) }
  const ms = Number(row.hold_ms)
  if (row.hold_type === 'signed-out') return { ...known, hold: { type: 'signed-out', sinceMs: ms } }
  // The column is written from a `CoolingKind` alone.
  if (row.hold_type === 'cooling') {
    return { ...known, hold: { type: 'cooling', kind: row.hold_kind as CoolingKind, untilMs: ms } }
  }
  return known
}
