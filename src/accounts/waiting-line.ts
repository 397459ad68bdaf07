import { liveDeadline } from '../core/deadline.ts'
import { UnavailableError } from '../core/errors.ts'

export interface WaitingLineOptions<T> {
  /** How many may wait; 0 turns away everyone who is not served at once. */
  readonly max: number
  readonly waitMs: number
  /** Takes back a value that came for a waiter that had left. */
  readonly giveBack: (value: T) => void
  /** How often waiters ask again without a wake: a cool-down may have ended, a lease lapsed. */
  readonly recheckMs: number
}

export interface Waiting<T> {
  /** @returns undefined when nothing is free; a rejection ends the wait */
  readonly ask: () => Promise<T | undefined>
  /** It cannot take everything: others may find something free where this one does not. */
  readonly choosy: boolean
  readonly signal: AbortSignal
}

interface Waiter<T> extends Waiting<T> {
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

/** First in, first out. `wake` retries the waiters in order; an aborted waiter leaves at once.
 *  @throws {UnavailableError} `queue_full`, `queue_timeout` */
export class WaitingLine<T> {
  readonly #options: WaitingLineOptions<T>
  readonly #waiters = new Set<Waiter<T>>()
  #serving = false
  #wokenMeanwhile = false
  #recheck: NodeJS.Timeout | undefined
  /** Set once, when the line is closed. */
  #closed: { readonly reason: unknown } | undefined

  constructor(options: WaitingLineOptions<T>) {
    this.#options = options
  }

  get length(): number {
    return this.#waiters.size
  }

  async enter(waiting: Waiting<T>): Promise<T> {
    this.#throwIfGone(waiting)
    if (this.#waiters.size === 0) {
      const value = await waiting.ask()
      if (value !== undefined && !this.#isGone(waiting)) return value
      if (value !== undefined) this.#options.giveBack(value)
      this.#throwIfGone(waiting)
    }
    if (this.#waiters.size >= this.#options.max) throw new UnavailableError('queue_full')
    return this.#join(waiting)
  }

  /** Something may have become free. */
  wake(): void {
    if (this.#waiters.size > 0) void this.#serve()
  }

  /** Rejects all waiters. */
  close(reason: unknown): void {
    this.#closed = { reason }
    for (const waiter of this.#waiters) waiter.reject(reason)
  }

  #isGone({ signal }: Waiting<T>): boolean {
    return signal.aborted || this.#closed !== undefined
  }

  #throwIfGone({ signal }: Waiting<T>): void {
    signal.throwIfAborted()
    if (this.#closed) throw this.#closed.reason
  }

  #join(waiting: Waiting<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const waiter: Waiter<T> = {
      ...waiting,
      resolve: (value) => {
        this.#leave(waiter)
        resolve(value)
      },
      reject: (reason) => {
        this.#leave(waiter)
        reject(reason)
      },
    }
    const stop = liveDeadline(this.#options.waitMs, () =>
      waiter.reject(new UnavailableError('queue_timeout')),
    )
    const onAbort = () => waiter.reject(waiting.signal.reason)
    waiting.signal.addEventListener('abort', onAbort, { once: true })
    this.#waiters.add(waiter)
    this.#recheck ??= setInterval(() => this.wake(), this.#options.recheckMs).unref()
    // An account that became free between the first try and this line woke no waiter.
    this.wake()
    return promise.finally(() => {
      stop()
      waiting.signal.removeEventListener('abort', onAbort)
    })
  }

  #leave(waiter: Waiter<T>): void {
    this.#waiters.delete(waiter)
    if (this.#waiters.size > 0) return
    clearInterval(this.#recheck)
    this.#recheck = undefined
  }

  /** Goes along the line until nothing is free; one walk at a time. */
  async #serve(): Promise<void> {
    this.#wokenMeanwhile = true
    if (this.#serving) return
    this.#serving = true
    while (this.#wokenMeanwhile) {
      this.#wokenMeanwhile = false
      for (const waiter of [...this.#waiters]) {
        if (!this.#waiters.has(waiter)) continue
        const served = await this.#serveOne(waiter)
        // Where a waiter that takes anything finds nothing, those behind it find nothing either.
        if (!served && !waiter.choosy) break
      }
    }
    this.#serving = false
  }

  async #serveOne(waiter: Waiter<T>): Promise<boolean> {
    try {
      const value = await waiter.ask()
      if (value === undefined) return false
      if (this.#waiters.has(waiter)) waiter.resolve(value)
      else this.#options.giveBack(value)
    } catch (reason) {
      waiter.reject(reason)
    }
    return true
  }
}
