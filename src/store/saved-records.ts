import type { DatabaseSync } from 'node:sqlite'
import type { RecordKind } from './store.ts'

/** The `record` table: texts of other rooms, by kind and id, in the order in which they were first saved. */
export function createSavedRecords(database: DatabaseSync) {
  const select = database.prepare('SELECT id, text FROM record WHERE kind = ? ORDER BY rowid')
  const upsert = database.prepare(
    `INSERT INTO record (kind, id, text) VALUES (?, ?, ?)
     ON CONFLICT (kind, id) DO UPDATE SET text = excluded.text`,
  )
  const remove = database.prepare('DELETE FROM record WHERE kind = ? AND id = ?')
  return {
    all: (kind: RecordKind): Map<string, string> =>
      new Map(select.all(kind).map((row) => [String(row.id), String(row.text)])),
    save: (kind: RecordKind, id: string, text: string): void => void upsert.run(kind, id, text),
    remove: (kind: RecordKind, id: string): void => void remove.run(kind, id),
  }
}
