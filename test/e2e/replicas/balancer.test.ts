import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { startNginx } from '../../../scripts/lib/replicas/start-nginx.ts'
import { adminEnv, ask, openStream, readMetrics } from '../../support/ask-replica.ts'
import { freePort } from '../../support/redis-server.ts'
import { type Replicas, startReplicas, untilShared } from '../../support/replicas.ts'

const patience = { timeout: 120_000 }

let all: Replicas
let ports: string[]
afterEach(async () => {
  await all.stop()
})

/** Replicas behind nginx. @returns the address of nginx */
async function start(count: number, env: Readonly<Record<string, string>> = {}): Promise<string> {
  all = await startReplicas(0, { env: { TRUSTED_PROXY_HOPS: '1', ...adminEnv, ...env } })
  ports = []
  for (let index = 0; index < count; index += 1) {
    ports.push(String(await freePort()))
    await all.start({ PORT: ports[index] ?? '' })
  }
  await untilShared(all.replicas)
  const folder = await mkdtemp(join(tmpdir(), 'genspark2api-nginx-'))
  const port = await freePort()
  const nginx = await startNginx({
    port,
    host: '127.0.0.1',
    replicas: ports.map((own) => `127.0.0.1:${own}`),
    maxBodyMb: 1,
    folder,
  })
  onTestFinished(async () => {
    await nginx.end('SIGTERM', 5000)
    await rm(folder, { recursive: true })
  })
  const url = `http://127.0.0.1:${port}`
  await expect.poll(() => fetch(`${url}/livez`).then(({ status }) => status, String)).toBeTypeOf('number')
  return url
}

describe('H5', () => {
  it(
    'H5: a rolling restart of 2 replicas under load fails no request and cuts no stream',
    patience,
    async () => {
      const url = await start(2)
      const words = Array.from({ length: 10 }, (_, index) => `word${index} `)
      all.emulator.answerWith({ type: 'answer', chunks: words, chunkDelayMs: 50 })
      const whole = { text: words.join(''), code: undefined, done: true }
      let isOver = false
      let requests = 0
      const load = Array.from({ length: 16 }, async (_, index) => {
        while (!isOver) {
          requests += 1
          if (index % 2 === 0) expect(await (await openStream(url)).ended).toEqual(whole)
          else expect(await ask(url)).toEqual({ status: 200, code: undefined, text: whole.text })
        }
      })
      const done = Promise.all(load)
      const roll = async () => {
        await all.emulator.until(() => all.emulator.asks.length > 16)
        for (const place of [0, 1]) {
          const old = all.replicas[place]
          old?.signal('SIGTERM')
          expect(await old?.exitCode).toBe(0)
          const { url: own } = await all.start({ PORT: ports[place] ?? '' }, place)
          // The next one's turn comes when this one serves again.
          await expect.poll(() => served(own), { timeout: 30_000 }).toBe(true)
        }
        isOver = true
      }
      await Promise.all([roll(), done]).finally(() => {
        isOver = true
      })
      expect(requests).toBeGreaterThan(64)
      expect(all.emulator.asks.length).toBe(requests)
    },
  )

  it(
    'H5: a request that a replica refuses at its end is answered by another, also a POST',
    patience,
    async () => {
      const url = await start(2, { SHUTDOWN_GRACE_S: '60' })
      const gate = Promise.withResolvers<void>()
      all.emulator.answerWith({
        type: 'answer',
        chunks: (async function* () {
          yield 'held'
          await gate.promise
        })(),
      })
      const held = await openStream(all.replicas[0]?.url ?? '')
      all.replicas[0]?.signal('SIGTERM')
      await all.replicas[0]?.logged('shutting down')
      all.emulator.answerWith({ type: 'answer', text: 'good' })
      for (let count = 0; count < 10; count += 1) expect((await ask(url)).text).toBe('good')
      expect(await ask(all.replicas[0]?.url ?? '')).toMatchObject({ status: 503, code: 'shutting_down' })
      gate.resolve()
      expect(await held.ended).toMatchObject({ done: true })
    },
  )
})

/** Whether a replica has answered a chat since it began. */
async function served(url: string): Promise<boolean> {
  const metrics = await readMetrics(url)
  return /^genspark2api_requests_total\{route="[^"]*chat[^"]*",status="200"\} [1-9]/m.test(metrics)
}

describe('nginx', () => {
  it(
    'never sends a POST twice: one whose replica is killed fails, the next goes to the other',
    patience,
    async () => {
      const url = await start(2)
      all.emulator.answerWith({ type: 'answer', keepalives: Number.POSITIVE_INFINITY, keepaliveDelayMs: 50 })
      const asked = ask(url)
      await all.emulator.until(() => all.emulator.openAsks() === 1)
      for (const replica of all.replicas) {
        const metrics = await readMetrics(replica.url)
        // The question for the metrics is one of them.
        if (/^genspark2api_requests_in_flight 2$/m.test(metrics)) await replica.kill()
      }
      expect(await asked).toMatchObject({ status: 503, code: 'dependency_unavailable' })
      expect(all.emulator.asks.length).toBe(1)
      all.emulator.answerWith({ type: 'answer', text: 'good' })
      for (let count = 0; count < 4; count += 1) expect((await ask(url)).text).toBe('good')
    },
  )

  it(
    'leaves what a replica answers as it is, and what it answers itself has the same shape',
    patience,
    async () => {
      const url = await start(2, { GS_COOKIE: '' })
      for (let count = 0; count < 4; count += 1)
        expect(await ask(url)).toMatchObject({ status: 503, code: 'no_account_available' })
      expect(await ask(url, { prompt: 'x'.repeat(1024 * 1024) })).toMatchObject({
        status: 413,
        code: 'request_too_large',
      })
      for (const replica of all.replicas) await replica.kill()
      expect(await ask(url)).toMatchObject({ status: 503, code: 'dependency_unavailable' })
    },
  )

  it('tells the replicas the address of the client, which cannot forge it', patience, async () => {
    const url = await start(2, { IP_BLACK_LIST: '127.0.0.2' })
    const status = async (localAddress: string) => {
      const headers = { 'x-forwarded-for': '203.0.113.7' }
      const [response] = await once(get(`${url}/v1/models`, { localAddress, headers }), 'response')
      response.resume()
      return response.statusCode
    }
    expect(await status('127.0.0.1')).toBe(200)
    expect(await status('127.0.0.2')).toBe(403)
  })
})
