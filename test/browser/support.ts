import { readdirSync, readFileSync } from 'node:fs'
import { onTestFinished, vi } from 'vitest'
import { createTokenSource, type TokenSourceOptions } from '../../src/browser/create-token-source.ts'
import type { TokenSource } from '../../src/browser/token-source.ts'
import { type CookieAccount, createAccount } from '../../src/core/account.ts'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import type { Logger } from '../../src/core/logger.ts'
import { createMetrics, type Metrics } from '../../src/core/metrics.ts'
import type { WireGeneration } from '../../src/core/wire-generation.ts'
import { type RecaptchaServer, serveRecaptchaDouble } from '../emulator/recaptcha/serve.ts'

// Real browsers on a busy machine: the limit only catches a hang.
vi.setConfig({ testTimeout: 120_000 })

export interface TokenBench {
  readonly double: RecaptchaServer
  readonly tokens: TokenSource
  readonly metrics: Metrics
  /** Every line logged, as its message and fields. */
  readonly log: { readonly message: string; readonly [field: string]: unknown }[]
  /** The process id of the Chromium launched last. */
  browserPid(): number
  /** One token for a caller that never leaves. */
  mint(account: CookieAccount, generation?: WireGeneration): Promise<string>
}

type Overrides = Partial<TokenSourceOptions>

/** A token source with real Chromium against the double; everything is closed when the test ends. */
export async function startTokenBench(
  overrides: Overrides | ((double: RecaptchaServer) => Overrides) = {},
): Promise<TokenBench> {
  const time = typeof overrides === 'function' ? systemClock : (overrides.clock ?? systemClock)
  const double = await serveRecaptchaDouble({ now: time.now })
  const { limits, ...rest } = typeof overrides === 'function' ? overrides(double) : overrides
  const metrics = createMetrics()
  const log: TokenBench['log'] = []
  const write: Logger['info'] = (fields, message) => log.push({ ...fields, message })
  const tokens = createTokenSource({
    recaptchaMode: 'embedded',
    baseUrl: double.url,
    tokenPrefetch: 0,
    tokenMaxAgeMs: 90_000,
    browserMaxPages: 4,
    clock: systemClock,
    random: () => 0,
    logger: { debug: write, info: write, warn: write, error: write },
    metrics,
    ...rest,
    // Generous on a busy machine; what is about the deadline sets its own.
    limits: { mintMs: 60_000, workMs: 30_000, ...limits },
  })
  onTestFinished(async () => {
    await tokens.close()
    await double.close()
  })
  return {
    double,
    tokens,
    metrics,
    log,
    browserPid() {
      const line = log.findLast(({ message }) => message === 'Chromium is running')
      if (!line) throw new Error('Chromium was not launched')
      return Number(line.pid)
    },
    async mint(account, generation = 'agent') {
      const token = await tokens.token({ account, generation, signal: new AbortController().signal })
      if (!token) throw new Error('no token')
      return token
    },
  }
}

/** Waits until the expectation holds. */
export const until = (expectation: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(expectation, { timeout: 60_000, interval: 10 })

/** The contexts that a page was opened in, as the session ids of their accounts, in order. */
export const pagesOpened = ({ double }: TokenBench): string[] =>
  double.requests
    .filter(({ path }) => path === '/agents')
    .map(({ cookie }) => /account-\d+/.exec(cookie)?.[0] ?? cookie)

export const mintCalls = ({ double }: TokenBench): number =>
  double.requests.filter(({ path }) => path === '/recaptcha/mint').length

export interface ManualClock extends Clock {
  advance(ms: number): void
}

export function manualClock(): ManualClock {
  let time = Date.parse('2026-01-01T00:00:00Z')
  return {
    now: () => time,
    advance(ms) {
      time += ms
    },
  }
}

export const accountNumber = (number: number): CookieAccount =>
  createAccount(`session_id=account-${number}; c1=x${number}`)

export const verdictOf = (bench: TokenBench, token: string | undefined, account: CookieAccount): string =>
  bench.double.redeem(token, { cookie: account.cookie, generation: 'agent' }).verdict

export async function counterValue(
  counter: Metrics['tokensMinted'] | Metrics['browserLaunches'],
  outcome: string,
): Promise<number> {
  const { values } = await counter.get()
  return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0
}

export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  readonly startTime: string
  readonly command: string
}

/** The process and everything below it. */
export function processTree(root: number): ProcessInfo[] {
  const all = runningProcesses()
  const tree = all.filter(({ pid }) => pid === root)
  for (const member of tree) tree.push(...all.filter(({ parent }) => parent === member.pid))
  return tree
}

/** The process that holds the cookies and connections of all contexts. */
export function networkProcessOf(browserPid: number): number {
  const found = processTree(browserPid).find(({ command }) =>
    command.includes('network.mojom.NetworkService'),
  )
  if (!found) throw new Error('Chromium has no network process')
  return found.pid
}

/** Those of `processes` that still run; a dead one that nobody has reaped does not. */
export function survivors(processes: readonly ProcessInfo[]): ProcessInfo[] {
  const all = runningProcesses()
  return processes.filter(({ pid, startTime }) =>
    all.some((one) => one.pid === pid && one.startTime === startTime),
  )
}

function runningProcesses(): ProcessInfo[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
      // Fields after the name in brackets: state, parent, …, the 20th is the start time (proc(5)).
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
      if (fields[0] === 'Z') return []
      return [{ pid: Number(name), parent: Number(fields[1]), startTime: fields[19] ?? '', command }]
    } catch {
      return []
    }
  })
}
