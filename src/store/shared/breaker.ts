import { liveDeadline } from '../../core/deadline.ts'
import { ServiceError, UnavailableError } from '../../core/errors.ts'
import { blame } from '../redis/redis-failure.ts'

export interface BreakerOptions {
  /** Brings Redis back into use, or sends what one in use has missed: pings it, and calls `close` when it can be used.
   *  Rejects when it is still unreachable, or unreachable again. */
  readonly rejoin: (close: () => void) => Promise<void>
  /** Whether Redis is there, asked apart from all else. Rejects when it is not. */
  readonly isThere: () => Promise<void>
  /** @param cause  why it was found unreachable */
  readonly onOpen: (cause: unknown) => void
  /** From one probe to the next while it is open. */
  readonly probeMs: number
  /** How long the first calls wait for the first meeting. */
  readonly firstMeetingMs: number
}

/** Stands between this replica and a Redis that may become unreachable. A call that fails goes on without Redis, and so do those
 *  that come while Redis is asked, apart, whether it is there at all. That alone decides: a long text, a slow script or a refusal is
 *  no absence. While it is away no request waits for it, until a probe, made each `probeMs`, has brought it back. It begins with a
 *  first meeting. */
export class Breaker {
  readonly #options: BreakerOptions
  #isClosed = false
  #ended = false
  #meeting: Promise<void> | undefined
  #probing: Promise<void> | undefined
  #question: Promise<void> | undefined
  /** A call has failed and the question is not answered yet. */
  #isSuspected = false
  /** A call has failed since Redis was last sent what it had missed. */
  #hasMissed = false
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

  /** Runs `reachable` while Redis is in use, `unreachable` otherwise, and after a failure of the former.
   *  @param speaksFor  `itself`: what fails says nothing of other calls, as with a long text */
  async run<T>(
    reachable: () => Promise<T>,
    unreachable: () => T | Promise<T>,
    speaksFor: 'all' | 'itself' = 'all',
  ): Promise<T> {
    if (this.#meeting) await this.#meeting
    if (this.#isClosed && !this.#isSuspected) {
      try {
        return await reachable()
      } catch (error) {
        if (!isUnreachable(error)) throw error
        if (speaksFor === 'all' && blame(error) === 'way') this.suspect(error)
        else this.ask(error)
      }
    }
    return unreachable()
  }

  /** A call has failed: asks whether Redis is there. */
  suspect(cause: unknown): void {
    if (!this.#isClosed || this.#ended) return
    this.#isSuspected = true
    this.ask(cause)
  }

  /** A call has failed for itself: asks whether Redis is there all the same. */
  ask(cause: unknown): void {
    this.#hasMissed = true
    this.doubt(cause)
  }

  /** A call takes long: asks whether Redis is there. One that ends well costs Redis no more than this question. */
  doubt(cause: unknown): void {
    if (!this.#isClosed || this.#ended) return
    const end = () => {
      this.#question = undefined
      this.#isSuspected = false
    }
    this.#question ??= this.#options.isThere().then(
      () => {
        end()
        // What went on without it meanwhile is sent now.
        if (this.#hasMissed) this.refresh()
      },
      () => {
        end()
        this.#open(cause)
      },
    )
  }

  /** Sends Redis, while it is in use, what it has missed. */
  refresh(): void {
    if (this.#isClosed && !this.#ended && !this.#probing) this.#schedule(0)
  }

  #open(cause: unknown): void {
    if (!this.#isClosed || this.#ended) return
    this.#isClosed = false
    this.#schedule(this.#options.probeMs)
    this.#options.onOpen(cause)
  }

  /** No more probes. Waits for the one that is under way. */
  async end(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#timer)
    await this.#meeting
    await this.#probing
    await this.#question
  }

  /** A process that has just begun has no connection yet; its first requests need not do without for that. */
  async #meet(): Promise<void> {
    const { firstMeetingMs, probeMs, onOpen } = this.#options
    let isLate = firstMeetingMs === 0
    const stop = liveDeadline(firstMeetingMs, () => {
      isLate = true
    })
    await this.#probe()
    while (!this.#isClosed && !this.#ended && !isLate) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(firstMeetingMs, probeMs) / 10))
      if (!this.#isClosed) await this.#probe()
    }
    stop()
    if (!this.#isClosed && !this.#ended) onOpen(this.#failure)
  }

  #probe(): Promise<void> {
    if (this.#ended) return Promise.resolve()
    if (!this.#isClosed) this.#schedule(this.#options.probeMs)
    this.#probing ??= this.#rejoin().finally(() => {
      this.#probing = undefined
    })
    return this.#probing
  }

  async #rejoin(): Promise<void> {
    const wasClosed = this.#isClosed
    this.#hasMissed = false
    try {
      await this.#options.rejoin(() => {
        if (this.#ended || this.#isClosed) return
        this.#isClosed = true
        clearTimeout(this.#timer)
      })
    } catch (error) {
      this.#failure = error
      if (wasClosed) this.suspect(error)
      // It was in use already, and has not been sent everything.
      else this.#open(error)
    }
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#probe(), ms).unref()
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
