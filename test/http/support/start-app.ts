import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import OpenAI from 'openai'
import { onTestFinished } from 'vitest'
import { parseConfig } from '../../../src/config.ts'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { UnavailableError } from '../../../src/core/errors.ts'
import { createLogger } from '../../../src/core/logger.ts'
import type { MediaModel } from '../../../src/core/media-request.ts'
import { createMetrics, type Metrics } from '../../../src/core/metrics.ts'
import type { GatewayCall } from '../../../src/gateway/attempt.ts'
import { createBackgroundWork } from '../../../src/gateway/background-work.ts'
import type { RunChat } from '../../../src/gateway/chat.ts'
import { createFetchAttachments, type FetchAttachments } from '../../../src/gateway/fetch-attachments.ts'
import { createKeptResponses } from '../../../src/gateway/kept-responses.ts'
import type { RunMedia } from '../../../src/gateway/media.ts'
import { createVideoJobs } from '../../../src/gateway/video-jobs.ts'
import { type AppOptions, type AppServices, createApp } from '../../../src/http/app.ts'
import { hardenServer } from '../../../src/http/harden-server.ts'
import { createEmbeddedStore } from '../../../src/store/embedded-store.ts'
import { createNamedKeys } from '../../../src/store/named-keys.ts'
import { createOperatorKey } from '../../../src/store/operator-key.ts'
import { createOperatorSessions } from '../../../src/store/operator-sessions.ts'
import { createSeal } from '../../../src/store/seal.ts'
import type { PublicFileFetcher } from '../../../src/upstream/fetch-public-file.ts'
import { dallE, sora } from './media.ts'

export interface TestApp {
  readonly url: string
  readonly port: number
  readonly server: Server
  readonly metrics: Metrics
  /** Every log line so far, parsed. */
  readonly logs: Readonly<Record<string, unknown>>[]
  /** Resolves with the access log line of the next request that ends. */
  nextRequestLine(): Promise<Readonly<Record<string, unknown>>>
  /** The official client, without its own retries unless told. */
  openai(maxRetries?: number): OpenAI
  post(body: unknown, init?: RequestInit): Promise<Response>
  /** Posts JSON or a form to a path, e.g. `/v1/videos`. */
  send(path: string, body: object, headers?: Record<string, string>): Promise<Response>
  /** SIGTERM: nothing new. */
  startShutdown(): void
  /** The grace is over. */
  endGrace(): void
}

export interface TestAppOptions extends AppOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly runChat?: RunChat
  readonly runMedia?: RunMedia
  readonly services?: Partial<AppServices>
}

const entry = {
  id: 'claude-sonnet-5',
  created: 1_700_000_000,
  ownedBy: 'anthropic',
  displayName: 'Claude Sonnet 5',
  endpointTypes: ['openai'],
} as const
const otherEntry = { ...entry, id: 'org/model:free', created: 1_700_000_001, ownedBy: 'org' }

const mediaModels = new Map<string, MediaModel>([dallE, sora].map((model) => [model.id, model]))

/** The app on a real socket; what it asks of the gateway is a function of the test. Closed when the test ends. */
export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
  const logs: Readonly<Record<string, unknown>>[] = []
  const waiters: ((line: Readonly<Record<string, unknown>>) => void)[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      const line = JSON.parse(String(chunk)) as Readonly<Record<string, unknown>>
      logs.push(line)
      if (line.msg === 'request') waiters.shift()?.(line)
      done()
    },
  })
  const metrics = createMetrics()
  const shutdown = new AbortController()
  let isShuttingDown = false
  const config = parseConfig({ REQUEST_RATE_LIMIT: '100000', ...options.env })
  const logger = createLogger({ level: 'debug', format: 'json', destination })
  const runMedia = options.runMedia ?? (() => Promise.reject(new Error('no media in this test')))
  const backgroundWork = createBackgroundWork({ logger })
  const store = createEmbeddedStore({
    dataDir: undefined,
    clock: systemClock,
    chooseAccount: () => {
      throw new Error('no account in this test')
    },
    logger,
  })
  const videoJobs = createVideoJobs({
    runMedia,
    store,
    clock: systemClock,
    logger,
  })
  const services: AppServices = {
    runMedia,
    runAudio: { speak: nobodySpeaks, transcribe: nobodySpeaks },
    videoJobs,
    linkStore: store,
    operatorKey: createOperatorKey(store),
    namedKeys: createNamedKeys({ store, clock: systemClock, logger }),
    operatorSessions: createOperatorSessions({
      store,
      seal: createSeal([]),
      adminSecrets: config.adminSecrets,
    }),
    keptResponses: createKeptResponses(store),
    backgroundWork,
    openFile: () => Promise.reject(new Error('no file in this test')),
    fetchAttachments: fetchedBy(() => Promise.reject(new Error('no image in this test'))),
    accountAdmin: {
      list: () => Promise.resolve([]),
      add: () => Promise.reject(new Error('no accounts in this test')),
      change: () => Promise.reject(new Error('no accounts in this test')),
      remove: () => Promise.reject(new Error('no accounts in this test')),
      check: () => Promise.reject(new Error('no accounts in this test')),
      learnPersons: () => Promise.resolve(),
      noticeTwins: () => Promise.resolve(),
    },
    usage: store.counts,
    quota: () => Promise.resolve(undefined),
    tokens: { token: () => Promise.reject(new Error('no token in this test')) },
    runChat: options.runChat ?? (() => Promise.resolve(answerOf([[...text('Hello'), finished]]))),
    catalogue: {
      resolve: (id) => ({ id, upstreamIds: { copilot: [id], agent: [id] }, mixture: false, search: false }),
      list: () => [entry, otherEntry],
      find: (id) => [entry, otherEntry].find((each) => each.id === id),
      kindOf: (name) => mediaModels.get(name)?.kind ?? 'text',
      resolveMedia: (name, kind) => {
        const model = mediaModels.get(name)
        return model?.kind === kind ? model : undefined
      },
    },
    countTokens: (words) => Promise.resolve(words.split(' ').filter(Boolean).length),
    readiness: () => Promise.resolve({ ready: true, parts: { accounts: { ok: true } } }),
    metrics,
    logger,
    clock: systemClock,
    shutdown: shutdown.signal,
    isShuttingDown: () => isShuttingDown,
    ...options.services,
  }
  const server = createServer(createApp(config, services, options).callback())
  hardenServer(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    await Promise.all([videoJobs.close(), backgroundWork.close()])
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    await store.close()
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    port,
    server,
    metrics,
    logs,
    nextRequestLine: () => new Promise((resolve) => waiters.push(resolve)),
    openai: (maxRetries = 0) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-test', maxRetries }),
    post: (body, init) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
        headers: { 'content-type': 'application/json', ...init?.headers },
      }),
    send: (path, body, headers) =>
      body instanceof FormData
        ? fetch(url + path, { method: 'POST', body, ...(headers && { headers }) })
        : fetch(url + path, {
            method: 'POST',
            body: JSON.stringify(body),
            headers: { 'content-type': 'application/json', ...headers },
          }),
    startShutdown: () => {
      isShuttingDown = true
    },
    endGrace: () => shutdown.abort(new UnavailableError('shutting_down')),
  }
}

export const chatBody = { model: 'claude-sonnet-5', messages: [{ role: 'user', content: 'Hi there' }] }
export const streamBody = { ...chatBody, stream: true }

export const text = (...deltas: string[]) =>
  deltas.map((each) => ({ type: 'text-delta', text: each }) as const)
export const finished = { type: 'finished', reason: 'stop' } as const

export function answerOf(batches: readonly ChatEventBatch[], failure?: Error) {
  async function* events() {
    yield* batches
    if (failure) throw failure
  }
  return { events: events() }
}

/** Settles when the call is aborted, as the gateway does. */
export function untilAborted({ signal }: GatewayCall): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Attachments whose pictures come from `fetchImage`. */
export const fetchedBy = (fetchImage: PublicFileFetcher['fetchImage']): FetchAttachments =>
  createFetchAttachments({ fetchImage, maxBodyBytes: 1024 * 1024 })

const nobodySpeaks = () => Promise.reject(new Error('nobody speaks in this test'))
