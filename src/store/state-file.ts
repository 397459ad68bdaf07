import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'

/** How long a statement waits for another process that has the file; the event loop stands still meanwhile. */
const lockWaitMs = 250

/** The file is sound, and this program must not go on without it. */
export class StateFileError extends Error {}

/** Opens `state.db` in `dataDir`, made when missing; `undefined` is memory. A damaged file is renamed to `state.db.damaged` (the
 *  last one is kept) and a folder that cannot be written is replaced by memory, each with a warning. One that an earlier version
 *  wrote is copied to `state.db.before-VERSION` first. @throws {StateFileError} when a later version wrote it */
export function openStateFile(dataDir: string | undefined, logger: Logger): DatabaseSync {
  if (dataDir === undefined) return openDatabase(':memory:')
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    const file = join(dataDir, 'state.db')
    keepPrivate(file)
    return openOrSetAside(file, logger)
  } catch (cause) {
    if (cause instanceof StateFileError) throw cause
    logger.warn(
      { dataDir, reason: reasonOf(cause) },
      'DATA_DIR cannot be used: accounts added, cool-downs and chat bindings are kept in memory and lost at the next start',
    )
    return openDatabase(':memory:')
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** The file may hold cookies; SQLite gives its side files the same mode. */
function keepPrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
}

function openOrSetAside(file: string, logger: Logger): DatabaseSync {
  try {
    return openDatabase(file)
  } catch (cause) {
    if (!isDamaged(cause)) throw cause
    // The write-ahead log goes along: left behind it would be replayed into the new file.
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(file + suffix)) renameSync(file + suffix, `${file}.damaged${suffix}`)
    }
    keepPrivate(file)
    logger.warn(
      { file, reason: reasonOf(cause) },
      'state.db is damaged: set aside as state.db.damaged, begun afresh',
    )
    return openDatabase(file)
  }
}

/** WAL with `synchronous = NORMAL` outlives `kill -9`; a power cut may cost the last writes, never the file. */
function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: lockWaitMs })
  try {
    // What is deleted may be a cookie: it is overwritten at once, not when its page is used again.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON')
    const finding = database.prepare('PRAGMA quick_check(1)').get()?.quick_check
    if (finding !== 'ok') throw new DamagedFileError(String(finding))
    migrate(database)
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

class DamagedFileError extends Error {}

/** SQLITE_CORRUPT, SQLITE_NOTADB, and SQLITE_ERROR: a sound file with tables that are not ours. */
const damageCodes: readonly number[] = [11, 26, 1]

function isDamaged(cause: unknown): boolean {
  if (cause instanceof DamagedFileError) return true
  // The low byte is the primary code. Source: sqlite.org/rescode.html
  return cause instanceof Error && 'errcode' in cause && damageCodes.includes(Number(cause.errcode) & 0xff)
}

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

/** `application_id` of a file that this version has opened; one of 0.1.0 has none. That program goes on in memory when it meets a
 *  later schema, with a warning that is easily missed: what it can ignore must not become a migration. */
const writer = { id: 2, version: '0.2.0' }

/** Brings the tables up to this version, all or nothing. It writes even when nothing is to be done, which shows early that
 *  the file can be written. @throws {StateFileError} @throws when the file cannot be written */
function migrate(database: DatabaseSync): void {
  const problem = problemOfVersion(database)
  if (problem)
    throw new StateFileError(
      `state.db in DATA_DIR: ${problem}. Run that version, or put back the copy that it made (state.db.before-…)`,
    )
  const version = pragma(database, 'user_version')
  if (isOfEarlierVersion(database)) copyAside(database)
  const steps = migrations.slice(version).join('\n')
  const marks = `PRAGMA user_version = ${migrations.length}; PRAGMA application_id = ${writer.id};`
  database.exec(`BEGIN IMMEDIATE; ${steps} ${marks} COMMIT`)
}

/** @returns undefined when this version may open the file */
export function problemOfVersion(database: DatabaseSync): string | undefined {
  const version = pragma(database, 'user_version')
  if (version <= migrations.length && pragma(database, 'application_id') <= writer.id) return undefined
  return `it was written by a later version (schema ${version})`
}

/** To open it as a store is to change it, under a service of that version that may be running. */
export function isOfEarlierVersion(database: DatabaseSync): boolean {
  const version = pragma(database, 'user_version')
  return version > 0 && (version < migrations.length || pragma(database, 'application_id') < writer.id)
}

const pragma = (database: DatabaseSync, name: string): number =>
  Number(database.prepare(`PRAGMA ${name}`).get()?.[name])

/** For whoever goes back: this version may write what an earlier one does not read. */
function copyAside(database: DatabaseSync): void {
  const file = database.location()
  if (file === null) return
  const copy = `${file}.before-${writer.version}`
  try {
    rmSync(copy, { force: true })
    keepPrivate(copy)
    database.prepare('VACUUM INTO ?').run(copy)
  } catch (cause) {
    rmSync(copy, { force: true })
    throw new StateFileError(
      `state.db in DATA_DIR cannot be copied before this version changes it (${reasonOf(cause)}): make room for it`,
      { cause },
    )
  }
}

/** Stands between the store and a file that may fail while it is in use. */
export interface FileGuard {
  /** For what the service can do without: a failure costs persistence, with one warning. */
  attempt<T>(action: () => T): T | undefined
  /** For what the caller relies on. @throws {UnavailableError} `dependency_unavailable` */
  insist<T>(action: () => T): T
}

export function createFileGuard(database: DatabaseSync, logger: Logger): FileGuard {
  let fails = false
  return {
    attempt(action) {
      if (!database.isOpen) return undefined
      try {
        const result = action()
        fails = false
        return result
      } catch (cause) {
        if (!fails) logger.warn({ reason: reasonOf(cause) }, 'state.db fails: going on without it')
        fails = true
        return undefined
      }
    },
    insist(action) {
      try {
        return action()
      } catch (cause) {
        throw new UnavailableError('dependency_unavailable', { message: notKept, cause })
      }
    },
  }
}

const notKept = 'The file in DATA_DIR where this is kept cannot be used now.'
