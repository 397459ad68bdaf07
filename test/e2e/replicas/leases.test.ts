import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { admin, adminEnv, ask, openStream, readMetrics } from '../../support/ask-replica.ts'
import { gated, wholeGated } from '../../support/gated.ts'
import { type Replicas, startReplicas, untilShared } from '../../support/replicas.ts'

/** A lease lapses 30 s after its last renewal; this is how long a test waits for that. */
const lapseMs = 45_000
const patience = { timeout: 120_000 }

let all: Replicas
afterEach(async () => {
  await all.stop()
})

async function start(...options: Parameters<typeof startReplicas>): Promise<string[]> {
  all = await startReplicas(...options)
  await untilShared(all.replicas)
  return all.replicas.map(({ url }) => url)
}

const openAsksOf = (session: string) =>
  all.emulator.asks.filter(({ sessionId, ended }) => sessionId === session && !ended).length

describe('A1', () => {
  it('A1: 50 requests to 2 replicas never use the one account twice at once', patience, async () => {
    // `fail`: on a machine under such a load that Redis itself answers late, the cap holds all the same.
    const urls = await start(2, {
      env: { ACCOUNT_MAX_CONCURRENCY: '1', QUEUE_WAIT_S: '60', REDIS_DOWN_MODE: 'fail' },
    })
    for (const url of urls) expect((await ask(url)).status).toBe(200)
    let most = 0
    all.emulator.answerWith(() => {
      most = Math.max(most, all.emulator.openAsks())
      return { type: 'answer', text: 'one at a time', chunkDelayMs: 10 }
    })
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => ask(urls[index % urls.length] ?? '')),
    )
    expect(most).toBe(1)
    for (const { status, code, text } of answers)
      expect([
        [200, undefined, 'one at a time'],
        [503, 'queue_timeout', ''],
        [503, 'dependency_unavailable', ''],
      ]).toContainEqual([status, code, text])
    expect(answers.some(({ status }) => status === 200)).toBe(true)
  })
})

describe('A2', () => {
  it(
    'A2: a replica frozen past its lease gives up when it wakes, and leaves the new holder alone',
    patience,
    async () => {
      const env = { ACCOUNT_MAX_CONCURRENCY: '1', QUEUE_WAIT_S: '60', STREAM_ERROR_TEXT: '0' }
      const [one = '', two = ''] = await start(2, { env })
      const { url: three } = await all.start({ QUEUE_WAIT_S: '1' })
      const gate = Promise.withResolvers<void>()
      all.emulator.answerWith(() => ({ type: 'answer', chunks: gated(gate.promise) }))

      const first = await openStream(one)
      all.replicas[0]?.signal('SIGSTOP')
      const second = await openStream(two)
      await all.emulator.until(() => all.emulator.asks.length === 2, lapseMs)
      all.replicas[0]?.signal('SIGCONT')

      expect(await first.ended).toEqual({ text: 'before ', code: 'dependency_unavailable', done: false })
      await all.emulator.until(() => all.emulator.asks[0]?.ended === 'client-closed')
      expect(await ask(three)).toMatchObject({ status: 503, code: 'queue_timeout' })
      gate.resolve()
      expect(await second.ended).toEqual(wholeGated)
      expect(await ask(three)).toMatchObject({ status: 200 })
      expect(all.emulator.asks.length).toBe(3)
    },
  )
})

describe('A4', () => {
  it(
    'A4: kill -9 of a replica with 20 streams frees its leases by itself, the other goes on',
    patience,
    async () => {
      const cap = 20
      const env = {
        GS_COOKIE: 'session_id=alice,session_id=bob',
        ACCOUNT_MAX_CONCURRENCY: String(cap),
        QUEUE_WAIT_S: '40',
      }
      const [one = '', two = ''] = await start(2, { env })
      const gate = Promise.withResolvers<void>()
      all.emulator.answerWith(() => ({ type: 'answer', chunks: gated(gate.promise) }))
      const open = (url: string, count: number) =>
        Promise.all(Array.from({ length: count }, () => openStream(url)))

      const killed = await open(one, 20)
      const spared = await open(two, 10)
      await all.replicas[0]?.kill()
      await Promise.allSettled(killed.map(({ ended }) => ended))
      // Ten find an account at once, twenty when the leases of the killed one have lapsed.
      const later = await open(two, 30)
      await all.emulator.until(() => all.emulator.openAsks() === 2 * cap, lapseMs)
      expect([openAsksOf('alice'), openAsksOf('bob')]).toEqual([cap, cap])
      gate.resolve()
      for (const { ended } of [...spared, ...later]) expect(await ended).toEqual(wholeGated)
    },
  )
})

describe('A9', () => {
  it('A9: reading every page 100 times during a cool-down changes nothing', patience, async () => {
    const urls = await start(2, {
      env: { ...adminEnv, GS_COOKIE: 'session_id=alice,session_id=bob', REQUEST_RATE_LIMIT: '0' },
    })
    all.emulator.answerWith({ type: 'failure', failure: 'F1' })
    expect(await ask(urls[0] ?? '')).toMatchObject({ status: 429, code: 'all_accounts_cooling' })
    const asked = all.emulator.asks.length
    const before = [await redisContent(), await accountsAt(urls[1] ?? '')]
    for (let count = 0; count < 100; count += 1) {
      for (const url of urls) {
        await Promise.all([read(`${url}/readyz`), readMetrics(url), admin(url, 'GET')])
      }
    }
    expect([await redisContent(), await accountsAt(urls[1] ?? '')]).toEqual(before)
    for (const url of urls)
      expect(await ask(url)).toMatchObject({ status: 429, code: 'all_accounts_cooling' })
    expect(all.emulator.asks.length).toBe(asked)
  })
})

/** Without what the site is asked for behind such a look: figures, which change nothing. */
async function accountsAt(url: string): Promise<unknown> {
  const { data } = await admin(url, 'GET')
  return data.map(({ credits: _, ...account }: Record<string, unknown>) => account)
}

const read = async (address: string) => (await fetch(address)).text()

/** Every key with its value, as Redis itself writes it. */
async function redisContent(): Promise<Record<string, string>> {
  const redis = new Redis(all.redis.url)
  // What the looking itself is counted by, and the records of requests, which are written a moment later.
  const isOfAccounts = (key: string) => !/admin-rate-limit|:requests$/.test(key)
  const keys = (await redis.keys('*')).filter(isOfAccounts).sort()
  const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
  await redis.quit()
  expect(keys).not.toEqual([])
  return Object.fromEntries(keys.map((key, index) => [key, values[index]?.toString('hex') ?? 'gone']))
}
