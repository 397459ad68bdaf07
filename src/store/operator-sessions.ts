import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { operatorKeyId } from './operator-key.ts'
import type { Seal } from './seal.ts'
import type { Store } from './store.ts'

/** Signs what tells a session of the operator, alike in all replicas and over restarts. A signature holds until the operator's
 *  secret changes, or all sessions are ended. All throw {UnavailableError} `dependency_unavailable`. */
export interface OperatorSessions {
  sign(text: string): Promise<string>
  isSigned(text: string, signature: string): Promise<boolean>
  /** Signs everybody out, everywhere. */
  endAll(): Promise<void>
}

export interface OperatorSessionsOptions {
  readonly store: Pick<Store, 'addRecord' | 'saveRecord' | 'records'>
  readonly seal: Seal
  readonly adminSecrets: readonly string[]
}

const keyId = 'session-key'
const counterId = 'session-counter'

export function createOperatorSessions({
  store,
  seal,
  adminSecrets,
}: OperatorSessionsOptions): OperatorSessions {
  const secretHashes = adminSecrets.map((each) => createHash('sha256').update(each).digest('hex')).sort()

  async function sign(text: string): Promise<Buffer> {
    let records = await store.records('secret')
    let key = openKey(records.get(keyId))
    if (key === undefined) {
      const made = seal.close(randomBytes(32).toString('base64url'), keyId)
      // One that no key of STATE_KEY opens any more is of no use to anybody.
      if (records.has(keyId)) await store.saveRecord('secret', keyId, made)
      else await store.addRecord('secret', keyId, made)
      records = await store.records('secret')
      key = openKey(records.get(keyId)) ?? ''
    }
    const secrets = adminSecrets.length > 0 ? secretHashes.join() : (records.get(operatorKeyId) ?? '')
    const counter = records.get(counterId) ?? '0'
    return createHmac('sha256', key).update(`${text}|${counter}|${secrets}`).digest()
  }

  const openKey = (sealed: string | undefined): string | undefined =>
    sealed === undefined ? undefined : seal.open(sealed, keyId)?.text

  return {
    sign: async (text) => (await sign(text)).toString('base64url'),
    async isSigned(text, signature) {
      const [right, given] = [await sign(text), Buffer.from(signature, 'base64url')]
      return given.length === right.length && timingSafeEqual(given, right)
    },
    async endAll() {
      const counter = Number((await store.records('secret')).get(counterId) ?? 0)
      await store.saveRecord('secret', counterId, String(counter + 1))
    },
  }
}
