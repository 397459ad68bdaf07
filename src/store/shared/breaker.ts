import { ServiceError, UnavailableError } from '../../core/errors.ts'

export interface BreakerOptions {
  /** Brings Redis back into use: pings it, sends what it missed, and calls `close` when it can be used.
   *  Rejects when it is still unreachable, or unreachable again. */
  readonly rejoin: (close: () => void) => Promise<void>
  /** @param cause  why it was found unreachable */
  readonly onOpen: (cause: unknown) => void
  /** From one probe to the next while it is open. */
  readonly probeMs: number
  /** How long the first calls wait for the first meeting. */
  readonly firstMeetingMs: number
}

/** Stands between this replica and a Redis that may become unreachable: after one failure no request waits for it any more, until
 *  a probe, made each `probeMs`, has brought it back. It begins with a first meeting. */
export class Breaker {
  readonly #options: BreakerOptions
  #isClosed = false
  #ended = false
  #meeting: Promise<void> | undefined
  #probing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failure: unknown

  constructor(options: BreakerOptions) {
    this.#options = options
    this.#meeting = this.#meet().finally(() => {
      this.#meeting = undefined
    })
  }

  /** Redis is in use. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Resolves when the first meeting is over, whatever came of it. */
  async met(): Promise<void> {
    await this.#meeting
  }

  /** Runs `reachable` while Redis is in use, `unreachable` otherwise, and after a failure of the former. */
  async run<T>(reachable: () => Promise<T>, unreachable: () => T | Promise<T>): Promise<T> {
    if (this.#meeting) await this.#meeting
    if (this.#isClosed) {
      try {
        return await reachable()
      } catch (error) {
        if (!isUnreachable(error)) throw error
        this.open(error)
      }
    }
    return unreachable()
  }

  open(cause: unknown): void {
    if (!this.#isClosed || this.#ended) return
    this.#isClosed = false
    this.#schedule()
    this.#options.onOpen(cause)
  }

  /** No more probes. Waits for the one that is under way. */
  async end(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#timer)
    await this.#meeting
    await this.#probing
  }

  /** A process that has just begun has no connection yet; its first requests need not do without for that. */
  async #meet(): Promise<void> {
    const { firstMeetingMs, probeMs, onOpen } = this.#options
    const deadlineMs = performance.now() + firstMeetingMs
    await this.#probe()
    while (!this.#isClosed && !this.#ended && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(firstMeetingMs, probeMs) / 10))
      await this.#probe()
    }
    if (!this.#isClosed && !this.#ended) onOpen(this.#failure)
  }

  #probe(): Promise<void> {
    if (this.#isClosed || this.#ended) return Promise.resolve()
    this.#schedule()
    this.#probing ??= this.#rejoin().finally(() => {
      this.#probing = undefined
    })
    return this.#probing
  }

  async #rejoin(): Promise<void> {
    try {
      await this.#options.rejoin(() => {
        if (this.#ended) return
        this.#isClosed = true
        clearTimeout(this.#timer)
      })
    } catch (error) {
      this.#failure = error
      // It was in use already, and has not been sent everything.
      this.open(error)
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#probe(), this.#options.probeMs).unref()
  }
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof ServiceError && error.code === 'dependency_unavailable'

/** For calls that only Redis can serve. It is probed each second. */
export const redisUnreachable = (): UnavailableError =>
  new UnavailableError('dependency_unavailable', {
    message: 'Redis, where the replicas keep what they share, is away.',
    retryAfterMs: 1000,
  })
