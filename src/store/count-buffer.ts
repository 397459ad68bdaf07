import { type Count, fieldOf, otherOf } from './counts.ts'

export interface CountBufferOptions {
  /** @returns whether they are written; those that are not stay here */
  readonly write: (counts: readonly Count[]) => boolean
  /** Of what waits here; the rest is counted under `otherLabel`. */
  readonly maxCounts: number
  /** From the first that waits to the write. */
  readonly delayMs: number
}

/** Counts wait here for a moment: many requests are one write. A process that is killed loses no more than that moment. */
export class CountBuffer {
  readonly #options: CountBufferOptions
  readonly #waiting = new Map<string, Count>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: CountBufferOptions) {
    this.#options = options
  }

  add(count: Count): void {
    const { maxCounts, delayMs } = this.#options
    const isFull = this.#waiting.size >= maxCounts && !this.#waiting.has(keyOf(count))
    const counted = isFull ? otherOf(count) : count
    const key = keyOf(counted)
    const before = this.#waiting.get(key)?.count ?? 0
    this.#waiting.set(key, { ...counted, count: before + counted.count })
    this.#timer ??= setTimeout(() => this.flush(), delayMs).unref()
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.size > 0 && this.#options.write([...this.#waiting.values()])) this.#waiting.clear()
  }
}

const keyOf = (count: Count): string => `${count.hourMs} ${fieldOf(count)}`
