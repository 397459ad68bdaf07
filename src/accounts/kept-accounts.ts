import type { Logger } from '../core/logger.ts'
import type { Seal } from '../store/seal.ts'
import type { Store } from '../store/store.ts'
import { type AccountRecord, decodeRecord, encodeRecord } from './account-record.ts'

export interface KeptAccounts {
  /** Every record that can be read. One that lies open or under an old key is sealed anew, once. */
  read(): Promise<ReadonlyMap<string, AccountRecord>>
  save(id: string, record: AccountRecord): Promise<void>
  remove(id: string): Promise<void>
}

export interface KeptAccountsOptions {
  readonly store: Pick<Store, 'records' | 'saveRecord' | 'removeRecord'>
  readonly seal: Seal
  readonly logger: Logger
}

/** Account records in the store, sealed with STATE_KEY. One that does not open is left there: its key may come back. */
export function createKeptAccounts({ store, seal, logger }: KeptAccountsOptions): KeptAccounts {
  let warnedOf = 0
  /** Each once: a replica that seals with another key would seal it back, and so on for ever. */
  const sealedAnew = new Set<string>()

  function warnOfUnreadable(count: number): void {
    if (count > 0 && count !== warnedOf)
      logger.warn(
        { accounts: count },
        'kept accounts cannot be read: is the key that sealed them in STATE_KEY?',
      )
    warnedOf = count
  }

  async function save(id: string, record: AccountRecord): Promise<void> {
    await store.saveRecord('account', id, seal.close(encodeRecord(record), id))
  }

  return {
    async read() {
      const records = new Map<string, AccountRecord>()
      let unreadable = 0
      for (const [id, sealed] of await store.records('account')) {
        const opened = seal.open(sealed, id)
        const record = opened && decodeRecord(opened.text)
        if (!record) unreadable += 1
        else {
          records.set(id, record)
          if (opened.stale && !sealedAnew.has(id)) {
            await save(id, record)
            sealedAnew.add(id)
          }
        }
      }
      warnOfUnreadable(unreadable)
      return records
    },
    save,
    remove: (id) => store.removeRecord('account', id),
  }
}
