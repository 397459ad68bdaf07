import type { DatabaseSync } from 'node:sqlite'

/** The n-th entry brings a file from version n to n + 1. Append only: files of every earlier version are out there. */
const migrations: readonly string[] = [
  `CREATE TABLE account (
     account TEXT PRIMARY KEY,
     hold_type TEXT CHECK (hold_type IN ('cooling', 'signed-out')),
     hold_kind TEXT,
     hold_ms INTEGER,
     rate_limits INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE chat_binding (
     account TEXT NOT NULL,
     model TEXT NOT NULL,
     chat_id TEXT NOT NULL,
     used_ms INTEGER NOT NULL,
     PRIMARY KEY (account, model)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX chat_binding_used ON chat_binding (used_ms);`,
  `CREATE TABLE record (
     kind TEXT NOT NULL,
     id TEXT NOT NULL,
     text TEXT NOT NULL,
     UNIQUE (kind, id)
   ) STRICT;`,
  `CREATE TABLE kept_text (
     age INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     id TEXT NOT NULL,
     owner TEXT NOT NULL,
     length INTEGER NOT NULL,
     expires_ms INTEGER NOT NULL,
     text TEXT NOT NULL,
     UNIQUE (kind, id)
   ) STRICT;
   CREATE INDEX kept_text_age ON kept_text (kind, age, length);
   CREATE INDEX kept_text_owner ON kept_text (kind, owner);
   CREATE INDEX kept_text_expires ON kept_text (expires_ms);`,
  `CREATE TABLE attempt_count (
     hour_ms INTEGER NOT NULL,
     account TEXT NOT NULL,
     model TEXT NOT NULL,
     caller TEXT NOT NULL,
     outcome TEXT NOT NULL,
     count INTEGER NOT NULL,
     PRIMARY KEY (hour_ms, account, model, caller, outcome)
   ) STRICT, WITHOUT ROWID;`,
]

/** Brings the tables up to this version, all or nothing. It writes even when nothing is to be done, which shows early that
 *  the file can be written. @throws when the file is of a later version or cannot be written */
export function migrate(database: DatabaseSync): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
  if (version > migrations.length) throw new Error(`it was written by a later version (schema ${version})`)
  const steps = migrations.slice(version).join('\n')
  database.exec(`BEGIN IMMEDIATE; ${steps} PRAGMA user_version = ${migrations.length}; COMMIT`)
}
