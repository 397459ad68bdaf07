import type { DatabaseSync } from 'node:sqlite'
import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { reasonOf } from './state-file.ts'

/** Stands between the store and a file that may fail later on. */
export interface FileGuard {
  /** What can be done without: a failure costs persistence, with one warning. */
  attempt<T>(action: () => T): T | undefined
  /** What somebody counts on. @throws {UnavailableError} `dependency_unavailable` */
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
