import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../core/clock.ts'
import type { DocumentKind, StoredDocument } from './store.ts'

export interface DocumentTableOptions {
  readonly clock: Clock
  /** Of each kind. Beyond either bound the oldest go first. */
  readonly maxDocuments: number
  /** In UTF-16 units. */
  readonly maxLength: number
}

/** The `kept_text` table: documents, in the order in which they were stored or touched (`age`). */
export function createDocumentTable(
  database: DatabaseSync,
  { clock, maxDocuments, maxLength }: DocumentTableOptions,
) {
  const select = database.prepare(
    'SELECT id, owner, text FROM kept_text WHERE kind = ? AND id = ? AND expires_ms > ?',
  )
  const selectOfOwner = database.prepare(
    `SELECT id, owner, text FROM kept_text WHERE kind = ? AND owner = ? AND expires_ms > ?
     ORDER BY age DESC LIMIT ?`,
  )
  const insert = database.prepare(
    'INSERT OR REPLACE INTO kept_text (kind, id, owner, text, length, expires_ms) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const update = database.prepare(
    `UPDATE kept_text SET text = ?, length = ? WHERE kind = ? AND id = ? AND expires_ms > ?`,
  )
  const touch = database.prepare(
    'UPDATE kept_text SET age = (SELECT max(age) + 1 FROM kept_text) WHERE kind = ? AND id = ?',
  )
  const removeOne = database.prepare(
    'DELETE FROM kept_text WHERE kind = ? AND id = ? RETURNING kind, length, expires_ms',
  )
  const removeEnded = database.prepare('DELETE FROM kept_text WHERE expires_ms <= ? RETURNING kind, length')
  const removeOldest = database.prepare(
    `DELETE FROM kept_text WHERE age = (SELECT min(age) FROM kept_text WHERE kind = ?) RETURNING kind, length`,
  )
  const selectLength = database.prepare('SELECT kind, length FROM kept_text WHERE kind = ? AND id = ?')

  /** What there is of each kind, so that no write has to count; measured before the first. */
  let sizes: Map<string, Size> | undefined

  function measureOnce(): void {
    sizes ??= measure(database)
  }

  function grow(kind: unknown, documents: number, length: number): void {
    const size = sizes?.get(String(kind)) ?? { documents: 0, length: 0 }
    sizes?.set(String(kind), { documents: size.documents + documents, length: size.length + length })
  }

  function shrink(removed: readonly Record<string, unknown>[]): void {
    for (const { kind, length } of removed) grow(kind, -1, -Number(length))
  }

  function keepBounds(kind: DocumentKind): void {
    shrink(removeEnded.all(clock.now()))
    for (let size = sizes?.get(kind); size; size = sizes?.get(kind)) {
      if (size.documents <= maxDocuments && size.length <= maxLength) return
      const removed = removeOldest.all(kind)
      if (removed.length === 0) return
      shrink(removed)
    }
  }

  function refuseTooLong(text: string): void {
    if (text.length > maxLength) throw new Error('the text is longer than all documents may be')
  }

  return {
    save(
      kind: DocumentKind,
      { id, owner, text, lifeMs }: StoredDocument & { readonly lifeMs: number },
    ): void {
      refuseTooLong(text)
      measureOnce()
      const before = selectLength.all(kind, id)
      insert.run(kind, id, owner, text, text.length, clock.now() + lifeMs)
      shrink(before)
      grow(kind, 1, text.length)
      keepBounds(kind)
    },

    replace(kind: DocumentKind, id: string, text: string): boolean {
      refuseTooLong(text)
      measureOnce()
      const before = selectLength.all(kind, id)
      if (update.run(text, text.length, kind, id, clock.now()).changes === 0) return false
      shrink(before)
      grow(kind, 1, text.length)
      keepBounds(kind)
      return true
    },

    find(kind: DocumentKind, id: string): StoredDocument | undefined {
      const row = select.get(kind, id, clock.now())
      return row && documentOf(row)
    },

    list: (kind: DocumentKind, owner: string, limit: number): readonly StoredDocument[] =>
      selectOfOwner.all(kind, owner, clock.now(), limit).map(documentOf),

    touch(kind: DocumentKind, ids: readonly string[]): void {
      for (const id of ids) touch.run(kind, id)
    },

    remove(kind: DocumentKind, id: string): boolean {
      measureOnce()
      const removed = removeOne.all(kind, id)
      shrink(removed)
      return removed.some(({ expires_ms }) => Number(expires_ms) > clock.now())
    },
  }
}

interface Size {
  readonly documents: number
  readonly length: number
}

function measure(database: DatabaseSync): Map<string, Size> {
  const rows = database
    .prepare('SELECT kind, count(*) AS documents, sum(length) AS length FROM kept_text GROUP BY kind')
    .all()
  return new Map(
    rows.map((row) => [String(row.kind), { documents: Number(row.documents), length: Number(row.length) }]),
  )
}

const documentOf = ({ id, owner, text }: Record<string, unknown>): StoredDocument => ({
  id: String(id),
  owner: String(owner),
  text: String(text),
})
