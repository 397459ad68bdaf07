import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, openStream } from '../../support/ask-replica.ts'
import { type Replicas, startReplicas, untilShared } from '../../support/replicas.ts'
import { readyz } from '../../support/stack.ts'

let all: Replicas
afterEach(async () => {
  await all.stop()
})

async function start(env: Readonly<Record<string, string>>): Promise<string> {
  all = await startReplicas(1, { env })
  await untilShared(all.replicas)
  const url = all.replicas[0]?.url ?? ''
  // The first request registers the accounts and loads the scripts.
  expect((await ask(url)).status).toBe(200)
  await expect.poll(async () => (await readyz(url)).accounts.in_flight).toBe(0)
  return url
}

describe('round trips to Redis', () => {
  it('are two a request', async () => {
    const url = await start({ REQUEST_RATE_LIMIT: '0' })
    const sent = await commandsDuring(async (soFar) => {
      for (let count = 0; count < 20; count += 1) expect((await ask(url)).status).toBe(200)
      await expect.poll(() => soFar.length).toBeGreaterThanOrEqual(40)
    })
    expect(sent).toHaveLength(40)
  })

  it('are one more with REQUEST_RATE_LIMIT, which counts in one script', async () => {
    const url = await start({ REQUEST_RATE_LIMIT: '1000' })
    const sent = await commandsDuring(async (soFar) => {
      for (let count = 0; count < 20; count += 1) expect((await ask(url)).status).toBe(200)
      await expect.poll(() => soFar.length).toBeGreaterThanOrEqual(60)
    })
    expect(sent).toHaveLength(60)
  })

  it('are none while tokens stream', async () => {
    const url = await start({ REQUEST_RATE_LIMIT: '0' })
    const gate = Promise.withResolvers<void>()
    const last = Promise.withResolvers<void>()
    const words = Array.from({ length: 200 }, (_, index) => `${index} `)
    all.emulator.answerWith({ type: 'answer', chunks: paused(gate.promise, words, last.promise) })
    const stream = await openStream(url)
    const sent = await commandsDuring(async () => {
      gate.resolve()
      const sentBytes = () => all.emulator.asks.at(-1)?.bytesSent ?? 0
      await expect.poll(sentBytes).toBeGreaterThan(200 * 50)
    })
    last.resolve()
    expect(await stream.ended).toMatchObject({ text: `first ${words.join('')}last`, done: true })
    expect(sent).toEqual([])
  })

  it('are only the renewals of the lease in a long stream', { timeout: 60_000 }, async () => {
    const url = await start({ REQUEST_RATE_LIMIT: '0' })
    const seconds = Array.from({ length: 12 }, (_, second) => `${second} `)
    all.emulator.answerWith({ type: 'answer', chunks: seconds, chunkDelayMs: 1000 })
    const sent = await commandsDuring(async (soFar) => {
      expect(await (await openStream(url)).ended).toMatchObject({ done: true, text: seconds.join('') })
      await expect.poll(() => soFar.length).toBeGreaterThanOrEqual(3)
    })
    // The lease, its one renewal after 10 s and its end.
    expect(sent).toHaveLength(3)
  })
})

async function* paused(gate: Promise<void>, words: Iterable<string>, last: Promise<void>) {
  yield 'first '
  await gate
  yield* words
  await last
  yield 'last'
}

/** What Redis was sent meanwhile; what its scripts do by themselves is no round trip. */
async function commandsDuring(action: (soFar: readonly string[]) => Promise<void>): Promise<string[]> {
  const redis = new Redis(all.redis.url)
  const monitor = await redis.monitor()
  const sent: string[] = []
  const ended = Promise.withResolvers<void>()
  monitor.on('monitor', (_time: string, [name = '', ...rest]: string[], source: string) => {
    if (source === 'lua') return
    if (name === 'echo') {
      monitor.removeAllListeners('monitor')
      ended.resolve()
    } else if (!isUpkeep(name)) sent.push([name, ...rest].join(' ').slice(0, 100))
  })
  await action(sent)
  await redis.echo('the end')
  await ended.promise
  monitor.disconnect()
  await redis.quit()
  return sent
}

/** `ping`: by the clock, whether requests come or not. `eval`: the first time that a script is run. `xadd`: the records of requests, a
 *  batch at a time, which nobody waits for. */
const isUpkeep = (name: string): boolean => ['ping', 'eval', 'xadd'].includes(name)
