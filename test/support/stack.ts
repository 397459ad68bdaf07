import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import OpenAI from 'openai'
import { expect } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { createLogger } from '../../src/core/logger.ts'
import { createMetrics, type Metrics } from '../../src/core/metrics.ts'
import type { ServiceOverrides } from '../../src/create-modules.ts'
import { createService, type Service } from '../../src/service.ts'
import { type Emulator, type EmulatorOptions, startEmulator } from '../emulator/emulator.ts'

export interface StackOptions {
  /** Settings by their names, over the ones that every test needs. */
  readonly env?: Readonly<Record<string, string>>
  readonly emulator?: EmulatorOptions
  readonly overrides?: ServiceOverrides
}

export interface Stack {
  readonly emulator: Emulator
  readonly service: Service
  /** Where the service listens, without a trailing slash. */
  readonly url: string
  /** The official client, without its own retries. */
  readonly openai: OpenAI
  readonly metrics: Metrics
  /** Every log line so far, parsed. */
  readonly logs: Readonly<Record<string, unknown>>[]
  readonly dataDir: string
  /** Nothing of a request may stay behind: leases, upstream requests; and the upstream saw only what its page allows. */
  expectNothingLeft(): Promise<void>
  stop(): Promise<void>
}

/** The whole service in this process against the emulator, over real sockets and with real Chromium. */
export async function startStack({ env, emulator: emulated, overrides }: StackOptions = {}): Promise<Stack> {
  const emulator = await startEmulator(emulated)
  const dataDir = env?.DATA_DIR ?? (await mkdtemp(join(tmpdir(), 'genspark2api-test-')))
  const { logger, logs } = collectLogs()
  const metrics = createMetrics()
  const config = parseConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    GENSPARK_BASE_URL: emulator.url,
    GS_COOKIE: 'session_id=alice',
    DATA_DIR: dataDir,
    REQUEST_RATE_LIMIT: '100000',
    SHUTDOWN_GRACE_S: '5',
    ...env,
  })
  const service = await createService(config, {
    ...{ logger, metrics, pollIntervalMs: 20 },
    ...(emulated?.tls && { browserArguments: trusting(emulator) }),
    ...overrides,
  })
  const url = await service.listen()
  return {
    emulator,
    service,
    url,
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-test', maxRetries: 0 }),
    metrics,
    logs,
    dataDir,
    async expectNothingLeft() {
      await emulator.until(() => emulator.openAsks() === 0)
      await expect.poll(async () => (await readyz(url)).accounts.in_flight).toBe(0)
      expect(emulator.violations).toEqual([])
    },
    async stop() {
      await service.close()
      await emulator.close()
      if (!env?.DATA_DIR) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** What Chromium needs to trust an emulator over TLS. */
export const trusting = ({ certificate }: Pick<Emulator, 'certificate'>): readonly string[] => [
  `--ignore-certificate-errors-spki-list=${certificate.spkiHash}`,
]

export interface ReadyzParts {
  readonly accounts: {
    readonly ok: boolean
    readonly total: number
    readonly usable: number
    readonly in_flight: number
    readonly signed_out: readonly { readonly account: string; readonly since: string }[]
    readonly cooling: readonly { readonly account: string; readonly kind: string; readonly until: string }[]
  }
  readonly browser: { readonly ok: boolean; readonly state: string }
}

/** The parts of `GET /readyz`, whatever its status. */
export async function readyz(url: string): Promise<ReadyzParts> {
  const response = await fetch(`${url}/readyz`)
  return ((await response.json()) as { parts: ReadyzParts }).parts
}

function collectLogs() {
  const logs: Record<string, unknown>[] = []
  const destination = new Writable({
    write(line, _encoding, done) {
      logs.push(JSON.parse(String(line)) as Record<string, unknown>)
      done()
    },
  })
  return { logger: createLogger({ level: 'debug', format: 'json', destination }), logs }
}
