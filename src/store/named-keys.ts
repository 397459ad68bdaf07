import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { InvalidRequestError, UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Store } from './store.ts'

/** A client's key that the operator made while the service runs; of the key itself the store has the hash alone. */
export interface NamedKey {
  /** `key_` and 8 hex digits: by this its requests are booked. */
  readonly id: string
  readonly name: string
  readonly note?: string | undefined
  readonly createdMs: number
  readonly expiresMs?: number | undefined
  readonly isPaused: boolean
  /** Absent: every model. */
  readonly models?: readonly string[] | undefined
  /** Absent: no limit but that of all clients. Of each replica. */
  readonly requestsPerMinute?: number | undefined
  readonly maxConcurrent?: number | undefined
}

export type NamedKeyLimits = Partial<
  Pick<
    NamedKey,
    'name' | 'note' | 'expiresMs' | 'isPaused' | 'models' | 'requestsPerMinute' | 'maxConcurrent'
  >
>

/** All that write throw {UnavailableError} `dependency_unavailable`. */
export interface NamedKeys {
  /** Whether it is known which there are; until then `load` must have been waited for. */
  readonly isLoaded: boolean
  /** @throws {UnavailableError} `dependency_unavailable` */
  load(): Promise<void>
  /** Whether one was ever made: the service is then no longer open to all, though the last one was removed. */
  readonly everMade: boolean
  /** One that may be used now. */
  find(key: string): NamedKey | undefined
  byId(id: string): NamedKey | undefined
  list(): readonly NamedKey[]
  /** @returns with the key, which cannot be told again */
  make(limits: NamedKeyLimits & { readonly name: string }): Promise<{ named: NamedKey; key: string }>
  /** @throws {InvalidRequestError} `not_found` */
  change(id: string, limits: NamedKeyLimits): Promise<NamedKey>
  /** It opens nothing from now on, at once here and as soon as the message arrives elsewhere.
   *  @throws {InvalidRequestError} `not_found` */
  remove(id: string): Promise<void>
  close(): void
}

export interface NamedKeysOptions {
  readonly store: Pick<Store, 'records' | 'saveRecord' | 'removeRecord' | 'onForeignRecords'>
  /** Whether the records are those of all replicas, and not what this one has of them. Default: they are. */
  readonly seesAll?: (() => boolean) | undefined
  readonly clock: Clock
  readonly logger: Logger
}

interface StoredKey extends NamedKey {
  readonly hash: string
}

const recordHead = 'named-key:'
const madeId = 'named-keys-made'
const keyHead = 'sk-g2a-'
const maxKeys = 10_000

export function createNamedKeys({ store, seesAll, clock, logger }: NamedKeysOptions): NamedKeys {
  let byHash = new Map<string, StoredKey>()
  let byId = new Map<string, StoredKey>()
  let isLoaded = false
  let everMade = false
  let loading: Promise<void> | undefined
  /** Something has changed since the reading began. */
  let isStale = false

  async function read(): Promise<void> {
    do {
      isStale = false
      const records = await store.records('secret')
      const keys = [...records].flatMap(([id, text]) => (id.startsWith(recordHead) ? parseStored(text) : []))
      const known = records.has(madeId) || keys.length > 0
      if (!known && !everMade && seesAll?.() === false) throw notKnown()
      byHash = new Map(keys.map((each) => [each.hash, each]))
      byId = new Map(keys.map((each) => [each.id, each]))
      everMade ||= known
      isLoaded = true
    } while (isStale)
  }

  function load(): Promise<void> {
    isStale = true
    loading ??= read().finally(() => {
      loading = undefined
    })
    return loading
  }

  const unsubscribe = store.onForeignRecords((kind) => {
    if (kind !== 'secret') return
    load().catch((error: unknown) => logger.warn({ err: error }, 'the named keys could not be read'))
  })

  function stored(id: string): StoredKey {
    const found = byId.get(id)
    if (!found) throw new InvalidRequestError('not_found', { message: 'There is no key with this id.' })
    return found
  }

  async function save(key: StoredKey): Promise<void> {
    await store.saveRecord('secret', recordHead + key.id, JSON.stringify(key))
    byHash.set(key.hash, key)
    byId.set(key.id, key)
  }

  return {
    get isLoaded() {
      return isLoaded
    },
    get everMade() {
      return everMade
    },
    load,
    find(key) {
      if (!key.startsWith(keyHead)) return undefined
      // 256 random bits: how long the look-up takes tells nobody anything.
      const found = byHash.get(hashOf(key))
      if (!found || found.isPaused) return undefined
      return found.expiresMs !== undefined && found.expiresMs <= clock.now() ? undefined : found
    },
    byId: (id) => byId.get(id),
    list: () => [...byId.values()],
    async make(limits) {
      await load()
      if (byId.size >= maxKeys)
        throw new UnavailableError('overloaded', { message: tooMany, retryable: false })
      const key = keyHead + randomBytes(32).toString('base64url')
      const hash = hashOf(key)
      const named = {
        isPaused: false,
        ...limits,
        id: `key_${hash.slice(0, 8)}`,
        createdMs: clock.now(),
        hash,
      }
      // First: whoever takes the last key away must not open the service to all.
      await store.saveRecord('secret', madeId, '1')
      everMade = true
      await save(named)
      return { named, key }
    },
    async change(id, limits) {
      await load()
      const changed = { ...stored(id), ...limits }
      await save(changed)
      return changed
    },
    async remove(id) {
      await load()
      const { hash } = stored(id)
      await store.removeRecord('secret', recordHead + id)
      byHash.delete(hash)
      byId.delete(id)
    },
    close: unsubscribe,
  }
}

const notKnown = () =>
  new UnavailableError('dependency_unavailable', { message: notKnownText, retryAfterMs: 1000 })
const notKnownText = 'Redis is away, so that nobody can tell whether this service asks for a key.'

const tooMany = 'There are 10,000 keys already: remove some.'

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex')

/** Another version may have written it. */
function parseStored(text: string): StoredKey[] {
  try {
    const key = JSON.parse(text) as Partial<StoredKey> | null
    return typeof key?.id === 'string' && typeof key.hash === 'string' && typeof key.name === 'string'
      ? [key as StoredKey]
      : []
  } catch {
    return []
  }
}
