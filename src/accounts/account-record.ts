import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import { type Account, createAccount, createApiKeyAccount } from '../core/account.ts'
import type { Logger } from '../core/logger.ts'
import type { Seal } from '../store/seal.ts'
import type { Store } from '../store/store.ts'

export interface AccountRecords {
  /** Every record that can be read, in the order in which they were first saved. One that lies open or under an old key is sealed
   *  anew, once.
   *  @param ids  only these have changed since the last call; absent: nobody knows @returns the same map each time */
  read(ids?: readonly string[]): Promise<ReadonlyMap<string, AccountRecord>>
  save(id: string, record: AccountRecord): Promise<void>
  /** In one change: other replicas are told once. */
  saveAll(records: ReadonlyMap<string, AccountRecord>): Promise<void>
  remove(id: string): Promise<void>
}

export interface AccountRecordsOptions {
  readonly store: Pick<Store, 'records' | 'saveRecord' | 'removeRecord' | 'changeRecords'>
  readonly seal: Seal
  readonly logger: Logger
}

/** Account records in the store, sealed with STATE_KEY. One that does not open is left there: its key may come back. */
export function createAccountRecords({ store, seal, logger }: AccountRecordsOptions): AccountRecords {
  let warnedOf = 0
  /** Each only once: a replica that seals with another key would seal it back, and so on without end. */
  const sealedAnew = new Set<string>()

  function warnOfUnreadable(count: number): void {
    if (count > 0 && count !== warnedOf)
      logger.warn(
        { accounts: count },
        'kept accounts cannot be read: is the key that sealed them in STATE_KEY?',
      )
    warnedOf = count
  }

  /** As they were last read, so that only what changed is opened. */
  const sealedTexts = new Map<string, string>()
  const records = new Map<string, AccountRecord>()
  const unreadable = new Set<string>()

  function forget(id: string): void {
    records.delete(id)
    sealedTexts.delete(id)
    unreadable.delete(id)
  }

  async function learn(id: string, sealed: string): Promise<void> {
    if (sealedTexts.get(id) === sealed) return
    const opened = seal.open(sealed, id)
    const record = opened && decodeRecord(opened.text)
    if (!record) {
      forget(id)
      unreadable.add(id)
      return
    }
    unreadable.delete(id)
    sealedTexts.set(id, sealed)
    records.set(id, record)
    if (!opened.stale || sealedAnew.has(id)) return
    sealedAnew.add(id)
    await save(id, record)
  }

  async function save(id: string, record: AccountRecord): Promise<void> {
    await store.saveRecord('account', id, seal.close(encodeRecord(record), id))
  }

  return {
    async read(ids) {
      if (ids?.length === 0) return records
      const stored = await store.records('account', ids)
      for (const id of ids ?? [...records.keys(), ...unreadable]) if (!stored.has(id)) forget(id)
      let count = 0
      for (const [id, sealed] of stored) {
        await learn(id, sealed)
        count += 1
        if (count % openAtOnce === 0) await nextTurn()
      }
      if (!ids) putInOrder(records, stored.keys())
      warnOfUnreadable(unreadable.size)
      return records
    },
    save,
    saveAll: (records) =>
      store.changeRecords(
        'account',
        new Map([...records].map(([id, record]) => [id, seal.close(encodeRecord(record), id)])),
      ),
    remove: (id) => store.removeRecord('account', id),
  }
}

/** Nobody waits while thousands are opened. */
const openAtOnce = 100

/** Two that were added at the same time, here and elsewhere, may have been seen in another order than that of the store. */
function putInOrder(records: Map<string, AccountRecord>, ids: Iterable<string>): void {
  const before = new Map(records)
  records.clear()
  for (const id of ids) {
    const record = before.get(id)
    if (record) records.set(id, record)
  }
}

/** An account as it is stored: one that was added at run time, or what changed of one of the settings. */
export type AccountRecord = z.infer<typeof recordSchema>

const secretSchema = z.object({ kind: z.enum(['cookie', 'api-key']), value: z.string().min(1) })

const recordSchema = z.object({
  /** Key of the account of the settings in whose place this stands. */
  standsFor: z.string().optional(),
  /** Absent: that of the settings. */
  secret: secretSchema.optional(),
  /** `null`: none of its own, whatever the settings say. Absent: that of the settings. */
  proxyUrl: z.string().nullish(),
  /** By the operator. */
  note: z.string().optional(),
  paused: z.boolean().optional(),
  /** Taken out of the pool for good; the settings alone do not bring it back. */
  removed: z.boolean().optional(),
  addedMs: z.number().optional(),
  /** When the session of `secret` ends, where what was pasted said so. */
  endsMs: z.number().optional(),
  /** Keys that it had before its secret was replaced, newest first. */
  formerKeys: z.array(z.string()).optional(),
})

/** @returns undefined when the text is none of ours */
function decodeRecord(text: string): AccountRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

const encodeRecord = (record: AccountRecord): string => JSON.stringify(record)

export function secretOf(account: Account): AccountRecord['secret'] {
  return account.kind === 'cookie'
    ? { kind: account.kind, value: account.cookie }
    : { kind: account.kind, value: account.apiKey }
}

/** The account that a record makes. @param base  the account of the settings that it stands for
 *  @returns undefined when it makes none: removed, or its account left the settings */
export function accountOf(record: AccountRecord, base: Account | undefined): Account | undefined {
  const secret = record.secret ?? (base && secretOf(base))
  if (record.removed || !secret) return undefined
  const proxyUrl = (record.proxyUrl === undefined ? base?.proxyUrl : record.proxyUrl) ?? undefined
  return secret.kind === 'cookie'
    ? createAccount(secret.value, proxyUrl)
    : createApiKeyAccount(secret.value, proxyUrl)
}

/** Absent fields stay as they are; `null` removes. */
export interface AccountChange {
  /** The new secret, with a proxy if it is to change too. */
  readonly account?: Account | undefined
  /** When the session of the new secret ends. */
  readonly endsMs?: number | undefined
  readonly note?: string | null | undefined
  readonly proxyUrl?: string | null | undefined
  readonly paused?: boolean | undefined
}

const maxFormerKeys = 8

/** The record of an entry after a change. Pure.
 *  @param record  as it is; undefined for an account of the settings that nothing was changed of yet */
export function changeRecord(
  record: AccountRecord | undefined,
  { account, formerKeys }: { readonly account: Account; readonly formerKeys: readonly string[] },
  change: AccountChange,
  nowMs: number,
): AccountRecord {
  return {
    ...(record ?? { standsFor: account.key }),
    ...(change.account && {
      secret: secretOf(change.account),
      addedMs: nowMs,
      endsMs: change.endsMs,
      formerKeys: [account.key, ...formerKeys].slice(0, maxFormerKeys),
    }),
    ...(change.account?.proxyUrl && { proxyUrl: change.account.proxyUrl }),
    ...(change.proxyUrl !== undefined && { proxyUrl: change.proxyUrl }),
    ...(change.note !== undefined && { note: change.note ?? undefined }),
    ...(change.paused !== undefined && { paused: change.paused }),
  }
}
