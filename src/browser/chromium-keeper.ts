import { setTimeout as delay } from 'node:timers/promises'
import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { MemoryReading, MemoryWatch } from '../core/memory-group.ts'
import type { Metrics } from '../core/metrics.ts'
import { abortable, settles } from './abortable.ts'
import { attachBrowser } from './attach-browser.ts'
import {
  answersWithin,
  type Chromium,
  describeLaunchFailure,
  isLastingFailure,
  launchChromium,
  processorMs,
} from './launch-chromium.ts'
import { sweepHomes } from './sweep-homes.ts'
import type { BrowserState } from './token-source.ts'
import { firstLine, tokenUnavailable } from './token-source.ts'

export interface ChromiumKeeper {
  /** The one running Chromium; launched (or attached to) when there is none, after the back-off of earlier failures. A launch that
   *  fails is tried again for as long as the back-off is short and the cause may pass.
   *  @throws {UnavailableError} `token_unavailable` */
  chromium(signal: AbortSignal): Promise<Chromium>
  /** Parts with a Chromium that is dead or frozen and kills it: whoever waits for it fails now, and asks anew.
   *  @param atWork  also have it make a page: one that answers may be unable to */
  checkAlive(atWork?: boolean): Promise<void>
  /** Ends a Chromium of ours that nobody has asked for within the time; the next one who does has it launched again. */
  rest(idleMs: number): void
  /** Of the one that runs. */
  browserName(): string | undefined
  state(): BrowserState
  /** Why it is `down`; undefined when it is not. */
  problem(): string | undefined
  close(): Promise<void>
}

export interface ChromiumKeeperOptions {
  readonly browserExecutable: string | undefined
  /** A browser of the operator's own to attach to; nothing is launched then. */
  readonly browserEndpoint?: string | undefined
  readonly browserHeaded?: boolean | undefined
  readonly display?: string | undefined
  readonly xAuthority?: string | undefined
  readonly proxyUrl: string | undefined
  /** For tests: further arguments of Chromium. */
  readonly browserArguments?: readonly string[] | undefined
  /** Whether to try Chromium's sandbox; where it cannot start, Chromium runs without, and that is said once. */
  readonly sandbox: boolean
  readonly launchMs: number
  /** How long the browser process may take for a trivial answer. */
  readonly answerMs: number
  /** How long it may take to make an empty page. Default 5 s. */
  readonly workMs?: number
  readonly random: () => number
  /** Absent: want of memory is not told. */
  readonly memory?: MemoryWatch | undefined
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'browserLaunches'>
}

const backoffBaseMs = 250
const backoffMaxMs = 30_000
/** A longer back-off is not waited for: the caller learns the cause at once. */
const patienceMs = 2_000
const workMs = 5_000
/** A page is asked for so often at the most, to see whether Chromium still makes any. */
const workEveryMs = 5_000
/** One that is at work all the time is given more of it. */
const maxWorkRounds = 3
const busyShare = 0.05
/** A Chromium that lived longer than this was sound. */
const soundAfterMs = 10_000
/** To reach a browser that runs already. */
const attachMs = 5_000
/** A launch that hangs is not waited for longer; should it end after all, it is killed then. */
const closeMs = 5_000

export function createChromiumKeeper(options: ChromiumKeeperOptions): ChromiumKeeper {
  const { logger, metrics, browserEndpoint } = options
  const closing = new AbortController()
  let running: Chromium | undefined
  let launching: Promise<Chromium> | undefined
  let launchMark: MemoryReading | undefined
  let neededAt = performance.now()
  let checking: Promise<void> | undefined
  let checkingWork: Promise<void> | undefined
  let workedAt = Number.NEGATIVE_INFINITY
  const ending = new Set<Promise<void>>()
  let failures = 0
  let lastFailure: unknown
  let notBefore = 0
  let launchFailed = false
  let relaunch: NodeJS.Timeout | undefined
  let { sandbox } = options
  let noSandboxNoted = false
  let isSwept = false

  function state(): BrowserState {
    if (running) return 'ready'
    if (launchFailed || performance.now() < notBefore) return 'down'
    return launching ? 'starting' : 'idle'
  }

  return {
    chromium,
    async checkAlive(atWork = false) {
      checking ??= check().finally(() => {
        checking = undefined
      })
      if (!atWork) return checking
      checkingWork ??= checkWork().finally(() => {
        checkingWork = undefined
      })
      await Promise.all([checking, checkingWork])
    },
    rest(idleMs) {
      if (!running || running.pid === undefined || performance.now() - neededAt < idleMs) return
      const resting = running
      running = undefined
      logger.info({ pid: resting.pid }, 'Chromium ends: nobody has needed it for a while')
      void endInTime(resting, resting.close())
    },
    browserName: () => running?.name,
    state,
    problem() {
      if (state() !== 'down') return undefined
      // What was not reached has said so in words of its own.
      if (lastFailure instanceof UnavailableError) return lastFailure.message
      return `Chromium failed ${failures} times (${describeLaunchFailure(lastFailure)})`
    },
    async close() {
      closing.abort(new UnavailableError('shutting_down'))
      clearTimeout(relaunch)
      if (launching) await settles(launching, closeMs)
      const last = running
      running = undefined
      await last?.close()
      await settles(Promise.all(ending), closeMs)
    },
  }

  async function chromium(signal: AbortSignal): Promise<Chromium> {
    neededAt = performance.now()
    for (;;) {
      closing.signal.throwIfAborted()
      if (running) return running
      launching ??= launch().finally(() => {
        launching = undefined
      })
      try {
        return await abortable(launching, signal)
      } catch (error) {
        signal.throwIfAborted()
        closing.signal.throwIfAborted()
        if (isLastingFailure(lastFailure) || notBefore - performance.now() > patienceMs) throw error
      }
    }
  }

  async function launch(): Promise<Chromium> {
    await waitOutBackoff()
    const startedAt = performance.now()
    launchMark = options.memory?.mark()
    try {
      const launched = await (browserEndpoint === undefined ? launchOnce() : attach(browserEndpoint))
      if (closing.signal.aborted) await launched.kill()
      closing.signal.throwIfAborted()
      metrics.browserLaunches.inc({ outcome: 'ok' })
      const fields = {
        pid: launched.pid,
        browser: launched.name,
        ms: Math.round(performance.now() - startedAt),
      }
      logger.info(fields, browserEndpoint === undefined ? 'Chromium is running' : 'attached to the browser')
      running = launched
      launchFailed = false
      launched.browser.once('disconnected', () => partWith(launched, 'Chromium is gone'))
      return launched
    } catch (error) {
      closing.signal.throwIfAborted()
      metrics.browserLaunches.inc({ outcome: 'failed' })
      noteFailure(error)
      launchFailed = true
      relaunchLater()
      const shortage = options.memory?.shortage(launchMark)
      const reason = shortage ?? describeLaunchFailure(error)
      logger.warn(
        { error: reason, failures },
        browserEndpoint ? 'the browser is out of reach' : 'Chromium did not start',
      )
      if (error instanceof UnavailableError) throw error
      throw tokenUnavailable(
        `Chromium did not start (${reason})${shortage ? '' : ': check BROWSER_EXECUTABLE'}`,
        {
          cause: error,
        },
      )
    }
  }

  function attach(endpoint: string): Promise<Chromium> {
    const { proxyUrl } = options
    return attachBrowser({ endpoint, proxyUrl, timeoutMs: Math.min(options.launchMs, attachMs) })
  }

  /** Nobody may ask while the service calls itself unready, so it tries by itself until it succeeds. */
  function relaunchLater(): void {
    const waitMs = Math.max(notBefore - performance.now(), backoffBaseMs)
    clearTimeout(relaunch)
    relaunch = setTimeout(() => chromium(closing.signal).catch(() => {}), waitMs).unref()
  }

  async function launchOnce(): Promise<Chromium> {
    closing.signal.throwIfAborted()
    const launchOptions = {
      executable: options.browserExecutable,
      proxyUrl: options.proxyUrl,
      headed: options.browserHeaded ?? false,
      ...{ display: options.display, xAuthority: options.xAuthority },
      furtherArguments: options.browserArguments,
      timeoutMs: options.launchMs,
    }
    if (!sandbox) noteNoSandbox()
    if (!isSwept) void sweepHomes()
    isSwept = true
    try {
      return await launchChromium({ ...launchOptions, sandbox })
    } catch (error) {
      if (!sandbox || !isSandboxFailure(error)) throw error
      sandbox = false
      return launchOnce()
    }
  }

  function noteNoSandbox(): void {
    if (noSandboxNoted) return
    noSandboxNoted = true
    logger.warn({}, 'Chromium runs without its sandbox: it cannot start for root or without user namespaces')
  }

  async function waitOutBackoff(): Promise<void> {
    const waitMs = notBefore - performance.now()
    if (waitMs > patienceMs) {
      if (lastFailure instanceof UnavailableError) throw lastFailure
      const seconds = Math.ceil(waitMs / 1000)
      throw tokenUnavailable(
        `Chromium failed ${failures} times (${describeLaunchFailure(lastFailure)}), next try in ${seconds} s`,
      )
    }
    if (waitMs > 0) await delay(waitMs, undefined, { signal: closing.signal })
  }

  async function partWith(chromium: Chromium, why: string): Promise<void> {
    if (chromium !== running) return
    running = undefined
    const shortage = options.memory?.shortage(launchMark)
    logger.warn({ pid: chromium.pid, ...(shortage && { memory: shortage }) }, why)
    if (chromium.uptimeMs() > soundAfterMs) failures = 0
    noteFailure(new Error(shortage ?? 'it ended soon after its start'))
    const ended = endInTime(chromium, chromium.kill())
    await ended
  }

  /** `close` waits for it. */
  function endInTime({ pid }: Chromium, end: Promise<void>): Promise<void> {
    const ended = end
      .catch((error) => logger.warn({ pid, error: firstLine(error) }, 'Chromium was not killed'))
      .finally(() => ending.delete(ended))
    ending.add(ended)
    return ended
  }

  /** The first failure costs no wait: most are a single crash. */
  function noteFailure(error: unknown): void {
    failures += 1
    lastFailure = error
    if (failures < 2) return
    const ceiling = Math.min(backoffBaseMs * 2 ** (failures - 2), backoffMaxMs)
    notBefore = performance.now() + ceiling * (0.5 + options.random() / 2)
  }

  async function check(): Promise<void> {
    const suspect = running
    if (!suspect || (await suspect.answers(options.answerMs))) return
    const isOurs = suspect.pid !== undefined
    await partWith(suspect, isOurs ? 'Chromium does not answer and is killed' : 'the browser does not answer')
  }

  async function checkWork(): Promise<void> {
    const suspect = running
    // One that is not ours cannot be launched anew, and its owner would see the page.
    if (!suspect || suspect.pid === undefined || performance.now() - workedAt < workEveryMs) return
    const made = makePage(suspect)
    let works = false
    for (let round = 1; !works && round <= maxWorkRounds; round += 1) {
      const spentMs = processorMs(suspect.pid)
      const withinMs = options.workMs ?? workMs
      works = await answersWithin(made, withinMs)
      // On a machine that is short of processor time or memory it is slow, and would be slower for being launched anew.
      if (processorMs(suspect.pid) - spentMs < withinMs * busyShare) break
    }
    workedAt = performance.now()
    if (!works) await partWith(suspect, 'Chromium makes no page and is killed')
  }
}

/** Takes all that a mint takes from Chromium: a context, its cookies and a page whose script runs. */
async function makePage({ browser }: Chromium): Promise<void> {
  const context = await browser.newContext()
  try {
    await context.addCookies([{ name: 'probe', value: '1', domain: 'probe.invalid', path: '/' }])
    const page = await context.newPage()
    await page.evaluate(() => 1)
  } finally {
    // One that hangs goes with its browser.
    void context.close().catch(() => {})
  }
}

const isSandboxFailure = (error: unknown): boolean =>
  error instanceof Error &&
  /sandbox|setuid|namespace|zygote_host/i.test(error.message.replaceAll(/--\S+/g, ''))
