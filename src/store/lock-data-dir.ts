import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** A service that is just ending still has the folder for a moment. */
const waitMs = 2_000

/** SQLITE_BUSY. Source: sqlite.org/rescode.html */
const busyCode = 5

/** Holds DATA_DIR for this service: a second one would know neither its leases nor its accounts. The lock is one of the operating
 *  system on an open file, by way of SQLite, and so ends with its process however that ends.
 *  @returns to be called at the end @throws {Error} when another service has it; a folder that cannot be used is not locked */
export function lockDataDir(dataDir: string): () => void {
  let lock: DatabaseSync | undefined
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    lock = new DatabaseSync(join(dataDir, 'state.lock'), { timeout: waitMs })
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock?.close()
    lock = undefined
    const isBusy = error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === busyCode
    if (isBusy)
      throw new Error(
        `DATA_DIR (${dataDir}) is in use by another service: give this one a folder of its own, or let both share REDIS_URL`,
      )
  }
  return () => lock?.close()
}
