import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Store } from './store.ts'

/** The operator's own key where ADMIN_SECRET is not set: the service makes it, the store has its hash alone.
 *  All throw {UnavailableError} `dependency_unavailable`. */
export interface OperatorKey {
  /** Makes the key unless one was ever made; while replicas cannot see each other's none is.
   *  @returns the key, which cannot be told again; undefined when there is one */
  makeOnce(): Promise<string | undefined>
  /** Makes a new key; the earlier one opens nothing from now on. */
  renew(): Promise<string>
  /** Whether a key has the form of one that was made here: no other needs a look into the store. */
  looksMade(key: string): boolean
  /** Reads the hash each time: a new key counts at once, whichever process made it. */
  matches(key: string): Promise<boolean>
}

export function createOperatorKey(store: Pick<Store, 'addRecord' | 'saveRecord' | 'records'>): OperatorKey {
  return {
    async makeOnce() {
      const key = makeKey()
      return (await store.addRecord('secret', operatorKeyId, hashOf(key))) ? key : undefined
    },
    async renew() {
      const key = makeKey()
      await store.saveRecord('secret', operatorKeyId, hashOf(key))
      return key
    },
    looksMade: (key) => key.startsWith(head),
    async matches(key) {
      const known = (await store.records('secret')).get(operatorKeyId)
      return known !== undefined && isSame(hashOf(key), known)
    },
  }
}

/** Of the record, which holds the hash. */
export const operatorKeyId = 'operator-key'

/** Tells our keys from others, also for programs that look for keys in published code. */
const head = 'g2a-admin-'

const makeKey = (): string => head + randomBytes(32).toString('base64url')

/** 256 random bits need no salt and no slow hash. */
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex')

function isSame(hash: string, known: string): boolean {
  const [left, right] = [Buffer.from(hash), Buffer.from(known)]
  return left.length === right.length && timingSafeEqual(left, right)
}
