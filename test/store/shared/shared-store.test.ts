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
    await expect.poll(() => inFlight(frozen)).toBe(1)
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
    await restored(one, two)
    // The other may still be putting back what it has.
    const idsOf = async (kind: 'account' | 'chat-deletion') => [...(await two.store.records(kind)).keys()]
    const holdOf = async (key: string) => (await two.store.accountStates([key])).get(key)?.hold
    await expect.poll(() => holdOf('a')).toEqual(cooling)
    await expect.poll(() => idsOf('account')).toEqual(['z', 'y', 'x'])
    await expect.poll(() => idsOf('chat-deletion')).toEqual(['chat'])
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
    await expect.poll(() => inFlight(two)).toBe(1)
    expect(await two.lease()).toEqual({ type: 'busy' })
  })
})

describe('FINDINGS R8: Redis is back with older data', () => {
  /** What Redis has now is what it comes back with. */
  async function snapshot(): Promise<() => Promise<void>> {
    const { Redis } = await import('ioredis')
    const client = new Redis(server.url)
    const dumps = new Map<string, Buffer>()
    for (const key of await client.keys('*')) dumps.set(key, (await client.dumpBuffer(key)) as Buffer)
    client.disconnect()
    return async () => {
      await server.kill()
      await server.restart()
      // Before the replicas look: they were cut off, and try again after 25 ms at the soonest.
      const again = new Redis(server.url)
      const restore = again.multi()
      for (const [key, dump] of dumps) restore.restore(key, 0, dump, 'REPLACE')
      await restore.exec()
      again.disconnect()
    }
  }

  const accountsOf = async ({ store }: Replica) => [...(await store.records('account'))].sort()

  it('what was added since is put back, and nothing is removed anywhere on its word', async () => {
    const [one, two] = [await openUp({ dataDir: folder }), await openUp()]
    await one.store.saveRecord('account', 'x', 'of before')
    await one.store.saveRecord('account', 'w', 'of before')
    const turnBack = await snapshot()
    await one.store.saveRecord('account', 'y', 'added since')
    await two.store.saveRecord('account', 'z', 'added since')
    await one.store.saveRecord('account', 'x', 'changed since')
    await two.store.removeRecord('account', 'w')
    const whole = [
      ['x', 'changed since'],
      ['y', 'added since'],
      ['z', 'added since'],
    ]
    await expect.poll(() => accountsOf(one)).toEqual(whole)
    await turnBack()
    await expect.poll(() => Promise.all([accountsOf(one), accountsOf(two)])).toEqual([whole, whole])
    const other = await openUp()
    await expect.poll(() => accountsOf(other)).toEqual(whole)
    await server.kill()
    for (const replica of [one, two]) {
      await replica.until('down')
      expect(await accountsOf(replica)).toEqual(whole)
    }
  })

  it('also when others have changed so much since that its number is higher than what was known', async () => {
    const one = await openUp({ dataDir: folder })
    await one.store.saveRecord('account', 'x', 'of before')
    const turnBack = await snapshot()
    await one.store.saveRecord('account', 'y', 'added since')
    await replicas.pop()?.store.close()
    await turnBack()
    const stranger = await openUp()
    for (let count = 0; count < 5; count += 1)
      await stranger.store.saveRecord('account', `new ${count}`, 'by a stranger')
    const after = await openUp({ dataDir: folder })
    expect((await accountsOf(after)).map(([id]) => id)).toEqual([
      'new 0',
      'new 1',
      'new 2',
      'new 3',
      'new 4',
      'x',
      'y',
    ])
    await expect.poll(async () => (await accountsOf(stranger)).length).toBe(7)
  })

  it('a removal that was known is not undone by a replica that was away', async () => {
    const one = await openUp({ dataDir: folder })
    await one.store.saveRecord('account', 'x', 'of before')
    await replicas.pop()?.store.close()
    const other = await openUp()
    await other.store.removeRecord('account', 'x')
    const after = await openUp({ dataDir: folder })
    expect([await accountsOf(after), await accountsOf(other)]).toEqual([[], []])
  })
})

describe('FINDINGS P9: growth', () => {
  it('many changes are one message, and only what changed is read', async () => {
    const pages: number[] = []
    const told: (readonly string[] | undefined)[] = []
    const one = await openUp()
    const two = await openUp({
      overRedis: (redis) => ({
        async readChanges(kind, after) {
          const page = await redis.readChanges(kind, after)
          pages.push(page.changes.length)
          return page
        },
      }),
    })
    await one.store.saveRecord('account', 'first', 'text')
    await expect.poll(async () => (await two.store.records('account')).size).toBe(1)
    await expect.poll(() => pages.length).toBeGreaterThanOrEqual(0)
    two.store.onForeignRecords((_kind, ids) => told.push(ids))
    pages.length = 0
    const added = Array.from({ length: 1200 }, (_, index) => [`id ${index}`, 'text'] as const)
    await one.store.changeRecords('account', new Map(added))
    await expect.poll(() => told.flat().length).toBeGreaterThanOrEqual(1200)
    pages.length = 0
    told.length = 0
    await one.store.saveRecord('account', 'id 7', 'changed')
    await expect.poll(() => told).toEqual([['id 7']])
    // An empty page ends each look, also that of the change before.
    expect(pages.filter((count) => count > 0)).toEqual([1])
    await server.kill()
    await two.until('down')
    expect((await two.store.records('account')).size).toBe(1201)
  })

  it('what 0.1.0 writes and removes, which counts no changes, is followed as well', async () => {
    const one = await openUp()
    for (const id of ['x', 'y']) await one.store.saveRecord('account', id, 'text')
    const { Redis } = await import('ioredis')
    const client = new Redis(server.url)
    const root = 'test:{state}:'
    const told: (readonly string[] | undefined)[] = []
    one.store.onForeignRecords((_kind, ids) => told.push(ids))
    await client.hset(`${root}records:account`, 'z', 'by 0.1.0')
    await client.zadd(`${root}record-order:account`, 9, 'z')
    await client.publish(`${root}news`, 'records account another')
    await expect.poll(() => told.flat()).toContain('z')
    told.length = 0
    await client.hdel(`${root}records:account`, 'x')
    await client.zrem(`${root}record-order:account`, 'x')
    await client.publish(`${root}news`, 'records account another')
    client.disconnect()
    await expect.poll(() => told.flat()).toContain('x')
    await server.kill()
    await one.until('down')
    expect([...(await one.store.records('account')).keys()]).toEqual(['y', 'z'])
  })
})

describe('FINDINGS R2: Redis that is busy or full is not away', () => {
  it('a text that cannot be kept opens nothing, and waits for nobody', async () => {
    const replica = await openUp()
    await replica.client.call('config', 'set', 'maxmemory', '1')
    const text = { id: 'r', owner: 'o', text: 'long', lifeMs: 60_000 }
    await replica.store.saveDocument('response', text)
    expect(await replica.store.findDocument('response', 'r')).toMatchObject({ text: 'long' })
    expect((await replica.lease()).type).toBe('leased')
    expect(await replica.lease()).toEqual({ type: 'busy' })
    expect([replica.store.isRedisUp(), replica.lines.filter((line) => line.includes('away'))]).toEqual([
      true,
      [],
    ])
    await server.restart()
    await restored(replica)
    expect(await inFlight(replica)).toBe(1)
  })

  it('H7: a replica that meets a later schema goes on, and says so once', async () => {
    const before = await openUp()
    await before.client.set('test:{state}:schema', 99)
    const replica = await openUp()
    expect((await replica.lease()).type).toBe('leased')
    expect(replica.lines.filter((line) => line.includes('a later version'))).toHaveLength(1)
    expect(await before.client.get('test:{state}:schema')).toBe('99')
  })

  it('a connection that is cut is made anew, and what it missed is sent', async () => {
    const [one, two] = [await openUp(), await openUp()]
    const lease = await one.leased()
    one.client.disconnect(true)
    await one.store.releaseLease(lease)
    await expect.poll(() => inFlight(two)).toBe(0)
    expect(one.lines).toEqual([])
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
        async writeRecords(kind, changes) {
          sent.push(...changes.keys())
          return redis.writeRecords(kind, changes)
        },
      }),
    })
    await replica.store.saveRecord('chat-deletion', 'of before', 'text')
    sent.length = 0
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
    await one.until('down')
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
    await restored(one, two)
    expect((await two.lease()).type).toBe('leased')
  })
})

/** They have put back what Redis has lost. */
async function restored(...all: readonly Replica[]): Promise<void> {
  for (const { client, store, until } of all) {
    await expect.poll(() => client.status).toBe('ready')
    await until('up')
    // A change takes its turn after what is being put back.
    await store.removeRecord('secret', 'none')
  }
}

/** Empties Redis behind everybody's back. */
async function flush(): Promise<void> {
  const { Redis } = await import('ioredis')
  const client = new Redis(server.url)
  await client.flushall()
  client.disconnect()
}
