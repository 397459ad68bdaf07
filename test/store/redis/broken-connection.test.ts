import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { openReplica, type Replica } from '../shared/open-replica.ts'

// Hundreds of commands each; the limit only catches a hang.
const patience = { timeout: 60_000 }

let server: RedisServer
let line: FaultProxy
let open: Replica[] = []
const nowMs = Date.UTC(2026, 10, 28)

beforeAll(async () => {
  server = await startRedisServer()
  line = await startFaultProxy(server)
})
afterEach(async () => {
  line.latencyMs = line.dribbleBytes = 0
  line.resume()
  for (const { store } of open) await store.close()
  open = []
})
afterAll(async () => {
  await line.close()
  await server.stop()
})

async function replicaAt(port: number, commandTimeoutMs = 5000): Promise<Replica> {
  const redisUrl = `redis://127.0.0.1:${port}`
  const replica = openReplica({ redisUrl, commandTimeoutMs, clock: { now: () => nowMs } })
  open.push(replica)
  await replica.until('up')
  return replica
}

it(
  'reads every reply whole when it comes in two packets, whatever the byte between them',
  patience,
  async () => {
    const replica = await replicaAt(line.port)
    for (let bytes = 0; bytes < 300; bytes += 1) {
      line.plan({ direction: 'answer', action: 'split', bytes })
      const lease = await replica.leased()
      expect(await replica.lease(), `byte ${bytes}`).toEqual({ type: 'busy' })
      await replica.store.releaseLease({ ...lease, chatId: `chat ${bytes}` })
      const next = await replica.lease()
      expect(next, `byte ${bytes}`).toMatchObject({ type: 'leased', chatId: `chat ${bytes}` })
      if (next.type === 'leased') await replica.store.releaseLease({ ...next, model: 'gpt-4o' })
    }
    expect(replica.store.isRedisUp()).toBe(true)
  },
)

it('serves over a line that gives single bytes', async () => {
  const replica = await replicaAt(line.port)
  line.dribbleBytes = 1
  const lease = await replica.leased()
  expect(await replica.lease()).toEqual({ type: 'busy' })
  await replica.store.releaseLease(lease)
  expect(replica.store.isRedisUp()).toBe(true)
})

it('holds the cap of two replicas whose lines to Redis are slow', async () => {
  const [near, far] = [await replicaAt(server.port), await replicaAt(line.port)]
  line.latencyMs = 50
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all([far.lease(), near.lease(), far.lease(), near.lease()])
    expect(answers.map(({ type }) => type).sort()).toEqual(['busy', 'busy', 'busy', 'leased'])
    const owner = answers.findIndex(({ type }) => type === 'leased') % 2 ? near : far
    for (const answer of answers)
      if (answer.type === 'leased') await owner.store.releaseLease({ ...answer, model: 'gpt-4o' })
  }
  expect(far.store.isRedisUp()).toBe(true)
})

it.each(['reset', 'hang-up', 'half-close', 'freeze'] as const)(
  'leaves no lease behind when its line meets a %s, whatever the byte of a reply',
  patience,
  async (action) => {
    const near = await replicaAt(server.port)
    const far = await replicaAt(line.port, 250)
    for (let bytes = 0; bytes < 80; bytes += 8) {
      line.plan({ direction: 'answer', action, bytes })
      // With Redis or without it: what is in flight ends in order.
      await far.store.releaseLease(await far.leased())
      line.resume()
      line.cut()
      await far.until('up')
      // The clock stands still: a lease whose answer was lost is ended, it does not lapse.
      const state = async () => (await near.store.accountStates(['a'])).get('a')
      await expect.poll(state, { timeout: 10_000, message: `byte ${bytes}` }).toEqual({ inFlight: 0 })
    }
  },
)
