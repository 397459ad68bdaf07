import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Logger } from '../core/logger.ts'
import { migrate } from './migrations.ts'

/** How long a statement waits for another process that has the file; the event loop stands still meanwhile. */
const lockWaitMs = 250

/** Opens `state.db` in `dataDir`, made when missing; `undefined` is memory. Never fails: a damaged file is renamed to
 *  `state.db.damaged` (the last one is kept) and a folder that cannot be written is replaced by memory, each with a warning. */
export function openStateFile(dataDir: string | undefined, logger: Logger): DatabaseSync {
  if (dataDir === undefined) return openDatabase(':memory:')
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    const file = join(dataDir, 'state.db')
    keepPrivate(file)
    return openOrSetAside(file, logger)
  } catch (cause) {
    logger.warn(
      { dataDir, reason: reasonOf(cause) },
      'DATA_DIR cannot be used: accounts added, cool-downs and chat bindings are kept in memory and lost at the next start',
    )
    return openDatabase(':memory:')
  }
}

export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

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
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
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
