import { afterEach, describe, expect, it } from 'vitest'
import { admin, adminEnv, ask, clientEnv, openStream, type ReplicaAnswer } from '../../support/ask-replica.ts'
import { gated, wholeGated } from '../../support/gated.ts'
import { type Replicas, redisState, startReplicas, untilShared } from '../../support/replicas.ts'

const patience = { timeout: 120_000 }
/** Twice what is promised: the machine may be busy with other tests. */
const recoveryMs = 4000

let all: Replicas
afterEach(async () => {
  await all.stop()
  for (const { output } of all.replicas) expect(output()).not.toMatch(/unhandled|uncaught/i)
})

async function start(...options: Parameters<typeof startReplicas>): Promise<string[]> {
  all = await startReplicas(...options)
  if (!options[1]?.redisDown) await untilShared(all.replicas)
  return all.replicas.map(({ url }) => url)
}

const sessions = () => all.emulator.asks.map(({ sessionId }) => sessionId)

const modes = {
  local: {
    answer: { status: 200, code: undefined, text: 'good' },
    readyz: { status: 200, redis: { ok: true, state: 'down' } },
  },
  fail: {
    answer: { status: 503, code: 'dependency_unavailable', text: '' },
    readyz: { status: 503, redis: { ok: false, state: 'down' } },
  },
} as const satisfies Record<string, { answer: ReplicaAnswer; readyz: unknown }>

describe.each(['local', 'fail'] as const)('REDIS_DOWN_MODE=%s', (mode) => {
  const { answer: away, readyz } = modes[mode]
  const there: ReplicaAnswer = modes.local.answer
  // With a key: a service for which none is set cannot know without Redis whether one was made, and answers nobody.
  const env = { REDIS_DOWN_MODE: mode, ...clientEnv }

  it('B1: starts without Redis, says so, and joins when it comes', patience, async () => {
    const urls = await start(2, { env, redisDown: true })
    all.emulator.answerWith({ type: 'answer', text: 'good' })
    for (const url of urls) {
      expect(await ask(url)).toEqual(away)
      expect(await redisState(url)).toEqual(readyz)
    }
    await all.redis.restart()
    for (const url of urls) {
      await expect
        .poll(() => redisState(url), { timeout: recoveryMs })
        .toEqual({ status: 200, redis: { ok: true, state: 'up' } })
      expect(await ask(url)).toEqual(there)
    }
  })

  it('B2: Redis is killed: streams end whole, new requests are answered at once', patience, async () => {
    const urls = await start(2, { env })
    const gate = Promise.withResolvers<void>()
    all.emulator.answerWith(() => ({ type: 'answer', chunks: gated(gate.promise) }))
    const streams = await Promise.all(urls.map((url) => openStream(url)))
    all.emulator.answerWith({ type: 'answer', text: 'good' })
    await all.redis.kill()
    for (const url of urls) {
      expect(await ask(url, { signal: AbortSignal.timeout(recoveryMs) })).toEqual(away)
      await expect.poll(() => redisState(url), { timeout: recoveryMs }).toEqual(readyz)
    }
    gate.resolve()
    for (const { ended } of streams) expect(await ended).toEqual(wholeGated)
    for (const url of urls) expect((await fetch(`${url}/livez`)).status).toBe(200)
  })

  it(
    'B3: Redis is back empty: leases in use, cool-downs and added accounts are put back',
    patience,
    async () => {
      const [one = '', two = ''] = await start(2, {
        env: {
          ...env,
          ...adminEnv,
          GS_COOKIE: 'session_id=alice,session_id=bob',
          ACCOUNT_MAX_CONCURRENCY: '1',
          QUEUE_WAIT_S: '1',
        },
      })
      await admin(one, 'POST', '', { cookie: 'session_id=carol' })
      await expect.poll(async () => (await admin(two, 'GET')).data.length).toBe(3)
      const gate = Promise.withResolvers<void>()
      all.emulator.answerWith(({ sessionId }) =>
        sessionId === 'bob'
          ? { type: 'failure', failure: 'F1' }
          : { type: 'answer', chunks: gated(gate.promise) },
      )
      const streams = [await openStream(one), await openStream(two)]
      // Should nobody have asked with bob's cookie yet: it is the one that is left.
      expect((await ask(one)).status).toBeGreaterThanOrEqual(429)
      expect(sessions().sort()).toEqual(['alice', 'bob', 'carol'])

      await all.redis.restart()
      await expect.poll(() => all.replicas.every(isBack), { timeout: recoveryMs }).toBe(true)
      expect(await ask(one)).toMatchObject({ status: 503, code: 'queue_timeout' })
      expect(await ask(two)).toMatchObject({ status: 503, code: 'queue_timeout' })
      expect(all.emulator.asks.length).toBe(3)

      gate.resolve()
      for (const { ended } of streams) expect(await ended).toEqual(wholeGated)
      const { url: three } = await all.start({ ACCOUNT_SELECTION: 'round-robin' })
      await untilShared(all.replicas)
      for (let count = 0; count < 4; count += 1) expect((await ask(three)).status).toBe(200)
      expect(sessions().slice(3).sort()).toEqual(['alice', 'alice', 'carol', 'carol'])
    },
  )

  it(
    'B4: Redis is frozen for 30 s: nobody waits for it, streams outlive it, it is used again',
    patience,
    async () => {
      const [one = '', two = ''] = await start(2, {
        env: { ...env, ACCOUNT_MAX_CONCURRENCY: '3', QUEUE_WAIT_S: '1' },
      })
      const gate = Promise.withResolvers<void>()
      all.emulator.answerWith(() => ({ type: 'answer', chunks: gated(gate.promise) }))
      const streams = [await openStream(one), await openStream(two)]
      const clock = Array.from({ length: 31 }, (_, second) => `${second} `)
      all.emulator.answerWith({ type: 'answer', chunks: clock, chunkDelayMs: 1000 })
      const thirtySeconds = await openStream(one)
      all.emulator.answerWith({ type: 'answer', text: 'good' })

      all.redis.freeze()
      const waits: number[] = []
      for (let count = 0; count < 20; count += 1) {
        const begun = performance.now()
        expect(await ask(two)).toEqual(away)
        waits.push(performance.now() - begun)
      }
      // The first may wait for the command timeout of 250 ms; a machine under load is no fault.
      expect(Math.max(...waits)).toBeLessThan(recoveryMs)
      expect(waits.sort((fast, slow) => fast - slow)[10]).toBeLessThan(300)
      expect(await thirtySeconds.ended).toEqual({ text: clock.join(''), code: undefined, done: true })

      all.redis.resume()
      for (const { url } of all.replicas) {
        await expect
          .poll(() => redisState(url), { timeout: recoveryMs })
          .toEqual({ status: 200, redis: { ok: true, state: 'up' } })
      }
      // The leases of the two streams count still, the third has ended.
      const third = Promise.withResolvers<void>()
      all.emulator.answerWith(() => ({ type: 'answer', chunks: gated(third.promise) }))
      const last = await openStream(two)
      expect(await ask(one)).toMatchObject({ status: 503, code: 'queue_timeout' })
      gate.resolve()
      third.resolve()
      for (const { ended } of [...streams, last]) expect(await ended).toEqual(wholeGated)
    },
  )
})

/** It has said so in its log. */
const isBack = ({ output }: Replicas['replicas'][number]): boolean => output().includes('Redis is back')
