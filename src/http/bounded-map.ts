import { LRUCache } from 'lru-cache'

/** A Map, for libraries that insist on one, which forgets the entry longest unused when it holds `max`. */
export class BoundedMap<V extends object> extends Map<string, V> {
  readonly #entries: LRUCache<string, V>

  constructor(max: number) {
    super()
    this.#entries = new LRUCache({ max })
  }

  override get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  override has(key: string): boolean {
    return this.#entries.has(key)
  }

  override set(key: string, value: V): this {
    this.#entries.set(key, value)
    return this
  }

  override get size(): number {
    return this.#entries.size
  }
}
