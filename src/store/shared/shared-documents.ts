import type { Clock } from '../../core/clock.ts'
import { type DocumentKind, maxDocuments, type Store } from '../store.ts'
import { type Breaker, redisUnreachable } from './breaker.ts'

type Documents = Pick<
  Store,
  'saveDocument' | 'replaceDocument' | 'findDocument' | 'listDocuments' | 'removeDocument'
>

export interface SharedDocumentsOptions {
  readonly redis: Documents
  readonly local: Documents
  readonly breaker: Pick<Breaker, 'run'>
  /** Throws unless this replica may serve alone while Redis is unreachable (REDIS_DOWN_MODE=local). */
  readonly assertLocal: () => void
  readonly clock: Clock
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
}: SharedDocumentsOptions): SharedDocuments {
  const unsent = new Map<string, Unsent>()
  const keyOf = (kind: DocumentKind, id: string) => `${kind} ${id}`
  const onlyInRedis = () => {
    throw redisUnreachable()
  }

  function note(document: Unsent): void {
    const key = keyOf(document.kind, document.id)
    unsent.delete(key)
    unsent.set(key, document)
    const [oldest] = unsent.keys()
    if (unsent.size > maxDocuments && oldest !== undefined) unsent.delete(oldest)
  }

  async function move(key: string, { kind, id, endsMs }: Unsent): Promise<void> {
    const document = await local.findDocument(kind, id)
    const lifeMs = endsMs - clock.now()
    if (document && lifeMs > 0) await redis.saveDocument(kind, { ...document, lifeMs })
    unsent.delete(key)
    await local.removeDocument(kind, id)
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
      ),

    replaceDocument: (kind, id, text) =>
      unsent.has(keyOf(kind, id))
        ? local.replaceDocument(kind, id, text)
        : breaker.run(() => redis.replaceDocument(kind, id, text), onlyInRedis),

    findDocument: (kind, id) =>
      unsent.has(keyOf(kind, id))
        ? local.findDocument(kind, id)
        : breaker.run(() => redis.findDocument(kind, id), onlyInRedis),

    listDocuments: (kind, owner, limit) =>
      breaker.run(
        () => redis.listDocuments(kind, owner, limit),
        () => {
          assertLocal()
          return local.listDocuments(kind, owner, limit)
        },
      ),

    removeDocument(kind, id) {
      const key = keyOf(kind, id)
      if (!unsent.delete(key)) return breaker.run(() => redis.removeDocument(kind, id), onlyInRedis)
      return local.removeDocument(kind, id)
    },

    get hasUnsent() {
      return unsent.size > 0
    },

    async putBack() {
      const sending = [...unsent]
      for (const [key, document] of sending) await move(key, document)
      return sending.length
    },
  }
}
