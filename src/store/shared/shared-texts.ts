import type { Clock } from '../../core/clock.ts'
import { type KeptKind, maxKeptTexts, type Store } from '../store.ts'
import { awayError } from './away-error.ts'
import type { Breaker } from './breaker.ts'

type Texts = Pick<Store, 'keepText' | 'replaceText' | 'keptText' | 'keptTexts' | 'dropText'>

export interface SharedTextsOptions {
  readonly redis: Texts
  readonly local: Texts
  readonly breaker: Pick<Breaker, 'ask'>
  /** Throws unless this replica goes on by itself while Redis is away. */
  readonly assertLocal: () => void
  readonly clock: Clock
}

export interface SharedTexts extends Texts {
  readonly hasUnsent: boolean
  /** Moves to Redis what was kept while it was away. @returns how many texts */
  putBack(): Promise<number>
}

interface Unsent {
  readonly kind: KeptKind
  readonly id: string
  readonly endsMs: number
}

/** Kept texts, in Redis while it is there. What is kept meanwhile moves over when it is back; what only Redis has cannot be told
 *  until then: @throws {UnavailableError} `dependency_unavailable` */
export function createSharedTexts({
  redis,
  local,
  breaker,
  assertLocal,
  clock,
}: SharedTextsOptions): SharedTexts {
  const unsent = new Map<string, Unsent>()
  const keyOf = (kind: KeptKind, id: string) => `${kind} ${id}`
  const onlyInRedis = () => {
    throw awayError()
  }

  function note(text: Unsent): void {
    const key = keyOf(text.kind, text.id)
    unsent.delete(key)
    unsent.set(key, text)
    const [oldest] = unsent.keys()
    if (unsent.size > maxKeptTexts && oldest !== undefined) unsent.delete(oldest)
  }

  async function move(key: string, { kind, id, endsMs }: Unsent): Promise<void> {
    const kept = await local.keptText(kind, id)
    const lifeMs = endsMs - clock.now()
    if (kept && lifeMs > 0) await redis.keepText(kind, { ...kept, lifeMs })
    unsent.delete(key)
    await local.dropText(kind, id)
  }

  return {
    keepText: (kind, kept) =>
      breaker.ask(
        () => redis.keepText(kind, kept),
        async () => {
          assertLocal()
          await local.keepText(kind, kept)
          note({ kind, id: kept.id, endsMs: clock.now() + kept.lifeMs })
        },
      ),

    replaceText: (kind, id, text) =>
      unsent.has(keyOf(kind, id))
        ? local.replaceText(kind, id, text)
        : breaker.ask(() => redis.replaceText(kind, id, text), onlyInRedis),

    keptText: (kind, id) =>
      unsent.has(keyOf(kind, id))
        ? local.keptText(kind, id)
        : breaker.ask(() => redis.keptText(kind, id), onlyInRedis),

    keptTexts: (kind, owner, limit) =>
      breaker.ask(
        () => redis.keptTexts(kind, owner, limit),
        () => {
          assertLocal()
          return local.keptTexts(kind, owner, limit)
        },
      ),

    dropText(kind, id) {
      const key = keyOf(kind, id)
      if (!unsent.delete(key)) return breaker.ask(() => redis.dropText(kind, id), onlyInRedis)
      return local.dropText(kind, id)
    },

    get hasUnsent() {
      return unsent.size > 0
    },

    async putBack() {
      const sending = [...unsent]
      for (const [key, text] of sending) await move(key, text)
      return sending.length
    },
  }
}
