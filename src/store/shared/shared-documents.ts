import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { createJournal } from '../journal.ts'
import { type DocumentKind, maxDocuments, type Store } from '../store.ts'
import { type Breaker, redisUnreachable } from './breaker.ts'

type Documents = Pick<
  Store,
  'saveDocument' | 'replaceDocument' | 'findDocument' | 'listDocuments' | 'touchDocuments' | 'removeDocument'
>

export interface SharedDocumentsOptions {
  readonly redis: Documents
  readonly local: Documents
  readonly breaker: Pick<Breaker, 'run'>
  /** Throws unless this replica may serve alone while Redis is unreachable (REDIS_DOWN_MODE=local). */
  readonly assertLocal: () => void
  readonly clock: Clock
  readonly logger: Logger
}

export interface SharedDocuments extends Documents {
  readonly hasUnsent: boolean
  /** Moves to Redis what was stored while it was unreachable. @returns how many documents */
  putBack(): Promise<number>
}

interface Unsent {
  readonly kind: DocumentKind
  readonly id: string
  readonly endsMs: number
}

/** Documents, in Redis while it is reachable. What is stored meanwhile moves over when it is back; what only Redis has cannot be
 *  found until then: @throws {UnavailableError} `dependency_unavailable` */
export function createSharedDocuments({
  redis,
  local,
  breaker,
  assertLocal,
  clock,
  logger,
}: SharedDocumentsOptions): SharedDocuments {
  /** A text that cannot be sent says nothing of Redis: it stays here, and is dropped from what is to be sent after two tries. */
  const unsent = createJournal<Unsent>({
    name: 'a text',
    send: move,
    blames: () => 'entry',
    maxFailures: 2,
    maxEntries: maxDocuments,
    logger,
  })
  const keyOf = (kind: DocumentKind, id: string) => `${kind} ${id}`
  const onlyInRedis = () => {
    throw redisUnreachable()
  }

  const note = (document: Unsent) => unsent.add(keyOf(document.kind, document.id), document)

  async function move(key: string, unsentOne: Unsent): Promise<void> {
    const { kind, id, endsMs } = unsentOne
    const document = await local.findDocument(kind, id)
    const lifeMs = endsMs - clock.now()
    if (document && lifeMs > 0) await redis.saveDocument(kind, { ...document, lifeMs })
    // It may have been replaced here meanwhile, and then goes once more.
    if (unsent.get(key) === unsentOne) await local.removeDocument(kind, id)
  }

  async function findAnywhere(kind: DocumentKind, id: string) {
    return (await redis.findDocument(kind, id)) ?? (await local.findDocument(kind, id))
  }

  return {
    saveDocument: (kind, document) =>
      breaker.run(
        () => redis.saveDocument(kind, document),
        async () => {
          assertLocal()
          await local.saveDocument(kind, document)
          note({ kind, id: document.id, endsMs: clock.now() + document.lifeMs })
        },
        'itself',
      ),

    async replaceDocument(kind, id, text) {
      const waiting = unsent.get(keyOf(kind, id))
      if (!waiting) return breaker.run(() => redis.replaceDocument(kind, id, text), onlyInRedis, 'itself')
      const isThere = await local.replaceDocument(kind, id, text)
      if (isThere) note({ ...waiting })
      return isThere
    },

    findDocument: (kind, id) =>
      unsent.has(keyOf(kind, id))
        ? local.findDocument(kind, id)
        : breaker.run(() => findAnywhere(kind, id), onlyInRedis, 'itself'),

    listDocuments: (kind, owner, limit) =>
      breaker.run(
        () => redis.listDocuments(kind, owner, limit),
        () => {
          assertLocal()
          return local.listDocuments(kind, owner, limit)
        },
        'itself',
      ),

    async touchDocuments(kind, ids) {
      await local.touchDocuments(kind, ids)
      await breaker.run(
        () => redis.touchDocuments(kind, ids),
        // The order in which texts go is not worth a failure.
        () => {},
        'itself',
      )
    },

    removeDocument(kind, id) {
      const key = keyOf(kind, id)
      if (!unsent.delete(key)) return breaker.run(() => redis.removeDocument(kind, id), onlyInRedis, 'itself')
      return local.removeDocument(kind, id)
    },

    get hasUnsent() {
      return unsent.size > 0
    },

    putBack: unsent.replay,
  }
}
