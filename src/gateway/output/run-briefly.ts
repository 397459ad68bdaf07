import { runInNewContext } from 'node:vm'

/** In ms: the longest that one request may hold up all others. */
const limitMs = 25

/** Runs `work` here, and stops it when it takes too long, be it within a regular expression.
 *  @returns nothing when it was stopped
 *  @throws whatever the work throws */
export function runBriefly<Result>(work: () => Result): { readonly result: Result } | undefined {
  try {
    return { result: runInNewContext('work()', { work }, { timeout: limitMs }) }
  } catch (error) {
    if (isTimeout(error)) return undefined
    throw error
  }
}

/** It comes from the other context: there it is an `Error`, here it is none. */
const isTimeout = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
