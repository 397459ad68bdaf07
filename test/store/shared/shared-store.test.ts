import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { openReplica, type Replica, type ReplicaOptions } from './open-replica.ts'

const away = { code: 'dependency_unavailable' }
const leaseMs = 30_000
/** As the service has it, where that is what the test is about. */
const commandTimeoutMs = 250

let server: RedisServer
let folder: string
const replicas: Replica[] = []

beforeEach(async () => {
  server = await startRedisServer()
  folder = mkdtempSync(join(tmpdir(), 'shared-store-'))
})
afterEach(async () => {
  server.resume()
  for (const { store } of replicas.splice(0)) await store.close()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

function open(options: Partial<ReplicaOptions> = {}): Replica {
  const replica = openReplica({ redisUrl: server.url, ...options })
  replicas.push(replica)
  return replica
}

async function openUp(options: Partial<ReplicaOptions> = {}): Promise<Replica> {
  const replica = open(options)
  await replica.until('up')
  return replica
}

/** A clock for all replicas and Redis. */
function manualClock() {
  let nowMs = Date.now()
  return {
    now: () => nowMs,
    advance: (ms: number) => {
      nowMs += ms
    },
  }
}

const inFlight = async ({ store }: Replica, account = 'a') =>
  (await store.accountStates([account])).get(account)?.inFlight

const cooling = { type: 'cooling', kind: 'rate-limited', untilMs: Date.now() + 600_000 } as const

describe('replicas with Redis', () => {
  it('A1: keep one cap together', async () => {
    const [one, two] = [await openUp(), await openUp()]
    const lease = await one.leased()
    expect(await two.lease()).toEqual({ type: 'busy' })
    await one.store.releaseLease(lease)
    expect((await two.lease()).type).toBe('leased')
  })

  it('A2: a replica that stood still past its lease learns that another has the account', async () => {
    const clock = manualClock()
    const [frozen, other] = [await openUp({ clock }), await openUp({ clock })]
    const lease = await frozen.leased()
    clock.advance(leaseMs)
    const newer = await other.leased()
    expect(await frozen.store.extendLease({ ...lease, leaseMs })).toBe(false)
    await frozen.store.releaseLease({ ...lease, hold: { type: 'signed-out', sinceMs: clock.now() } })
    expect((await other.store.accountStates(['a'])).get('a')).toEqual({ inFlight: 1 })
    expect(await other.store.extendLease({ ...newer, leaseMs })).toBe(true)
  })

  it('A2: neither takes the account back because Redis seemed away when it awoke', async () => {
    const clock = manualClock()
    const [frozen, other] = [await openUp({ clock }), await openUp({ clock })]
    const lease = await frozen.leased()
    clock.advance(leaseMs)
    const newer = await other.leased()
    frozen.store.reportAway(new Error('the timeouts of a whole freeze, all at once'))
    expect(await frozen.store.extendLease({ ...lease, leaseMs })).toBe(false)
    await frozen.until('up')
    expect(await frozen.store.extendLease({ ...lease, leaseMs })).toBe(false)
    expect(await inFlight(frozen)).toBe(1)
    await other.store.releaseLease(newer)
    expect(await inFlight(frozen)).toBe(0)
  })
})

describe.each(['local', 'fail'] as const)('B1: Redis down at the start, %s', (mode) => {
  it('serves or refuses, says so, and joins when Redis comes', async () => {
    await server.kill()
    const replica = open({ mode, firstMeetingMs: 20 })
    if (mode === 'local') expect((await replica.lease()).type).toBe('leased')
    else await expect(replica.lease()).rejects.toMatchObject(away)
    expect(await inFlight(replica)).toBe(mode === 'local' ? 1 : 0)
    expect([replica.store.isRedisUp(), replica.lines.length]).toEqual([false, 1])
    expect(await replica.metrics.registry.metrics()).toContain(`genspark2api_redis_up{mode="${mode}"} 0`)
    await server.restart()
    await replica.until('up')
    expect(replica.lines).toEqual([
      expect.stringMatching(/^Redis is away/),
      'Redis is back: the replicas share again',
    ])
    const other = await openUp()
    expect(await inFlight(other)).toBe(mode === 'local' ? 1 : 0)
    expect(await replica.metrics.registry.metrics()).toContain(`genspark2api_redis_up{mode="${mode}"} 1`)
  })
})

describe.each(['local', 'fail'] as const)('B2: Redis killed in the middle, %s', (mode) => {
  it('keeps what is in flight, and a new request does not wait', async () => {
    const replica = await openUp({ mode })
    const lease = await replica.leased()
    await server.kill()
    await replica.until('down')
    expect(await replica.store.extendLease({ ...lease, leaseMs })).toBe(true)
    if (mode === 'local') expect(await replica.lease()).toEqual({ type: 'busy' })
    else await expect(replica.lease()).rejects.toMatchObject(away)
    await replica.store.releaseLease({ ...lease, hold: cooling })
    expect((await replica.store.accountStates(['a'])).get('a')).toEqual({ inFlight: 0, hold: cooling })
    await server.restart()
    await replica.until('up')
    const other = await openUp()
    expect((await other.store.accountStates(['a'])).get('a')).toEqual({ inFlight: 0, hold: cooling })
  })
})

describe('B3: Redis is back again, empty', () => {
  it('what the replicas have in use counts against the caps, and ends where it lives', async () => {
    const [one, two] = [await openUp(), await openUp()]
    const shared = await one.leased()
    await server.kill()
    await one.until('down')
    const local = await one.leased({ accounts: ['b'] })
    await server.restart()
    await Promise.all([one.until('up'), two.until('up')])
    expect(await two.lease({ accounts: ['a', 'b'] })).toEqual({ type: 'busy' })
    expect(await one.store.extendLease({ ...shared, leaseMs })).toBe(true)
    expect(await one.store.extendLease({ ...local, leaseMs })).toBe(true)
    await one.store.releaseLease(shared)
    await one.store.releaseLease(local)
    expect([await inFlight(two, 'a'), await inFlight(two, 'b')]).toEqual([0, 0])
  })

  it('cool-downs and records are there again, also those of before the outage, in their order', async () => {
    const [one, two] = [await openUp(), await openUp()]
    await one.store.setHold('a', cooling)
    for (const id of ['z', 'y', 'x']) await one.store.saveRecord('account', id, `account ${id}`)
    await one.store.saveRecord('chat-deletion', 'chat', 'to delete')
    await server.restart()
    await Promise.all([one.until('down'), two.until('down')])
    await Promise.all([one.until('up'), two.until('up')])
    expect((await two.store.accountStates(['a'])).get('a')?.hold).toEqual(cooling)
    expect([...(await two.store.records('account')).keys()]).toEqual(['z', 'y', 'x'])
    expect([...(await two.store.records('chat-deletion')).keys()]).toEqual(['chat'])
  })

  it('a replica that began anew meanwhile puts back what lies in its file', async () => {
    const before = await openUp({ dataDir: folder })
    await before.store.saveRecord('account', 'kept', 'text')
    await replicas.pop()?.store.close()
    await server.restart()
    const after = await openUp({ dataDir: folder })
    expect([...(await after.store.records('account'))]).toEqual([['kept', 'text']])
  })

  it('data lost without a word does not cost a stream its lease', async () => {
    const [one, two] = [await openUp(), await openUp()]
    const lease = await one.leased()
    await flush()
    expect(await one.store.extendLease({ ...lease, leaseMs })).toBe(true)
    await one.until('up')
    expect(await two.lease()).toEqual({ type: 'busy' })
  })
})

describe('Redis is back with its data', () => {
  it('is used again under a load that never pauses, and counts all that is in use', async () => {
    await server.kill()
    let served = 0
    const serve = () => replica.leased({ accounts: [`account ${served++}`] })
    const replica: Replica = open({
      firstMeetingMs: 20,
      overRedis: (redis) => ({
        async adoptLeases(leases) {
          await serve()
          await redis.adoptLeases(leases)
        },
      }),
    })
    await serve()
    await server.restart()
    await replica.until('up')
    const accounts = Array.from({ length: served }, (_, index) => `account ${index}`)
    await expect
      .poll(async () => {
        const states = await replica.store.accountStates(accounts)
        return accounts.filter((account) => states.get(account)?.inFlight !== 1)
      })
      .toEqual([])
  })

  it('adds nothing by itself while Redis is away: another replica may have it', async () => {
    const one = await openUp()
    await server.kill()
    await one.until('down')
    await expect(one.store.addRecord('secret', 'key', 'text')).rejects.toMatchObject({
      code: 'dependency_unavailable',
    })
    expect(await one.store.records('secret')).toEqual(new Map())
    await server.restart()
    await one.until('up')
    expect(await one.store.addRecord('secret', 'key', 'text')).toBe(true)
    const other = await openUp()
    expect(await other.store.addRecord('secret', 'key', 'another')).toBe(false)
  })

  it('takes over what changed meanwhile, and nothing that others changed is undone', async () => {
    await server.stop()
    server = await startRedisServer({ appendOnly: true })
    const one = await openUp()
    await one.store.saveRecord('account', 'replaced', 'old')
    await one.store.saveRecord('account', 'removed', 'old')
    await one.store.saveRecord('account', 'untouched', 'old')
    await one.store.setHold('cleared', { type: 'signed-out', sinceMs: 1 })
    await server.kill()
    await one.until('down')
    await one.store.saveRecord('account', 'replaced', 'new')
    await one.store.saveRecord('account', 'added', 'new')
    await one.store.removeRecord('account', 'removed')
    await one.store.clearHold('cleared')
    expect([...(await one.store.records('account')).keys()]).toEqual(['replaced', 'untouched', 'added'])
    await server.restart()
    const other = await openUp()
    await other.store.saveRecord('account', 'untouched', 'by another')
    await one.until('up')
    await expect
      .poll(async () => [...(await other.store.records('account'))])
      .toEqual([
        ['replaced', 'new'],
        ['untouched', 'by another'],
        ['added', 'new'],
      ])
    expect(await other.store.accountStates(['cleared'])).toEqual(new Map([['cleared', { inFlight: 0 }]]))
  })

  it('ends there what ended meanwhile', async () => {
    await server.stop()
    server = await startRedisServer({ appendOnly: true })
    const one = await openUp()
    const lease = await one.leased()
    await server.kill()
    await one.until('down')
    await one.store.releaseLease({ ...lease, chatId: 'chat-1', succeeded: true })
    await server.restart()
    await one.until('up')
    expect(await one.lease()).toMatchObject({ type: 'leased', chatId: 'chat-1' })
  })

  it('is told nothing of what came and went meanwhile, and nothing of it is kept', async () => {
    const sent: string[] = []
    const replica = await openUp({
      dataDir: folder,
      overRedis: (redis) => ({
        async removeRecord(kind, id) {
          sent.push(id)
          await redis.removeRecord(kind, id)
        },
      }),
    })
    await replica.store.saveRecord('chat-deletion', 'of before', 'text')
    await server.kill()
    await replica.until('down')
    for (const id of ['one', 'two']) {
      await replica.store.saveRecord('chat-deletion', id, 'text')
      await replica.store.saveRecord('chat-deletion', id, 'again')
      await replica.store.removeRecord('chat-deletion', id)
    }
    await replica.store.removeRecord('chat-deletion', 'of before')
    await server.restart()
    await replica.until('up')
    expect(sent).toEqual(['of before'])
  })

  it('keeps over a restart of the replica what Redis has missed', async () => {
    await server.stop()
    server = await startRedisServer({ appendOnly: true })
    const before = await openUp({ dataDir: folder })
    await server.kill()
    await before.until('down')
    await before.store.saveRecord('account', 'added', 'meanwhile')
    await replicas.pop()?.store.close()
    await server.restart()
    const after = await openUp({ dataDir: folder })
    expect([...(await after.store.records('account'))]).toEqual([['added', 'meanwhile']])
  })
})

describe('B4: Redis frozen', () => {
  it('costs one wait, then none, and is used again when it moves', async () => {
    const [one, two] = [await openUp({ commandTimeoutMs }), await openUp({ commandTimeoutMs })]
    const lease = await one.leased()
    server.freeze()
    expect((await one.lease({ accounts: ['a', 'b'] })).type).toBe('leased')
    expect(one.store.isRedisUp()).toBe(false)
    expect(await one.lease({ accounts: ['a', 'b'] })).toEqual({ type: 'busy' })
    expect(await one.store.extendLease({ ...lease, leaseMs })).toBe(true)
    server.resume()
    await Promise.all([one.until('up'), two.until('up')])
    expect(await two.lease({ accounts: ['a', 'b'] })).toEqual({ type: 'busy' })
    expect(await inFlight(two, 'b')).toBe(1)
  })

  it('refuses in fail mode, at once after the first', async () => {
    const replica = await openUp({ mode: 'fail', commandTimeoutMs })
    server.freeze()
    await expect(replica.lease()).rejects.toMatchObject(away)
    await expect(replica.store.saveRecord('account', 'id', 'text')).rejects.toMatchObject(away)
    await expect(replica.store.setHold('a', cooling)).rejects.toMatchObject(away)
    server.resume()
    await replica.until('up')
    expect((await replica.lease()).type).toBe('leased')
  })
})

describe('changes by other replicas', () => {
  it('A11: reach this one, and are known to it when Redis goes away', async () => {
    const [one, two] = [await openUp(), await openUp()]
    const told = new Promise((resolve) => two.store.onForeignRecords(resolve))
    await one.store.saveRecord('account', 'id', 'text')
    expect(await told).toBe('account')
    await expect.poll(async () => (await two.store.records('account')).get('id')).toBe('text')
    await server.kill()
    await two.until('down')
    expect([...(await two.store.records('account'))]).toEqual([['id', 'text']])
  })

  it('a hold that another has cleared does not come back by this one', async () => {
    const [one, two] = [await openUp(), await openUp()]
    await one.store.setHold('a', { type: 'signed-out', sinceMs: 1 })
    await two.store.clearHold('a')
    await one.store.releaseLease(await one.leased())
    await server.restart()
    await Promise.all([one.until('down'), two.until('down')])
    await Promise.all([one.until('up'), two.until('up')])
    expect((await two.lease()).type).toBe('leased')
  })
})

/** Empties Redis behind everybody's back. */
async function flush(): Promise<void> {
  const { Redis } = await import('ioredis')
  const client = new Redis(server.url)
  await client.flushall()
  client.disconnect()
}
