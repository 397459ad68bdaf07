import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { countAttempt } from '../counts-bound.ts'
import { openReplica, type Replica, type ReplicaOptions } from './open-replica.ts'

const counted = { outcome: 'succeeded', caller: 'key' } as const

let server: RedisServer
let folder: string
const replicas: Replica[] = []

beforeEach(async () => {
  server = await startRedisServer()
  folder = mkdtempSync(join(tmpdir(), 'shared-counts-'))
})
afterEach(async () => {
  for (const { store } of replicas.splice(0)) await store.close()
  await server.stop()
  rmSync(folder, { recursive: true })
})

async function openUp(options: Partial<ReplicaOptions> = {}): Promise<Replica> {
  const replica = openReplica({ redisUrl: server.url, ...options })
  replicas.push(replica)
  await replica.until('up')
  return replica
}

const total = async ({ store }: Replica) => {
  const rows = await store.counts(0, Date.now() + 3_600_000)
  return rows.reduce((sum, { succeeded }) => sum + succeeded, 0)
}

it('are those of all replicas', async () => {
  const [one, two] = [await openUp(), await openUp()]
  await countAttempt(one.store, 'm')
  await countAttempt(two.store, 'm')
  expect([await total(one), await total(two)]).toEqual([2, 2])
})

it('B3: go on while Redis is away and come to it when it is back, each once', async () => {
  const [one, two] = [await openUp(), await openUp()]
  const early = await one.leased()
  await server.kill()
  await Promise.all([one.until('down'), two.until('down')])
  await one.store.releaseLease({ ...early, counted })
  for (let count = 0; count < 5; count += 1) await countAttempt(one.store, `model ${count}`)
  await countAttempt(two.store, 'm')
  const late = await two.leased({ accounts: ['late'] })
  await expect(one.store.counts(0, Date.now())).rejects.toMatchObject({ code: 'dependency_unavailable' })
  await server.restart()
  await Promise.all([one.until('up'), two.until('up')])
  expect(await total(one)).toBe(7)
  await two.store.releaseLease({ ...late, counted })
  expect(await total(one)).toBe(8)
})

it('an attempt whose end finds Redis gone is counted', async () => {
  const one = await openUp({ commandTimeoutMs: 200 })
  const lease = await one.leased()
  server.freeze()
  await one.store.releaseLease({ ...lease, counted })
  expect(one.store.isRedisUp()).toBe(false)
  await server.kill()
  await server.restart()
  await one.until('up')
  expect(await total(one)).toBe(1)
})

it('outlive a restart of the replica while Redis is away', async () => {
  const one = await openUp({ dataDir: folder })
  await server.kill()
  await one.until('down')
  await countAttempt(one.store, 'm')
  await replicas.pop()?.store.close()
  await server.restart()
  expect(await total(await openUp({ dataDir: folder }))).toBe(1)
  expect(await total(await openUp())).toBe(1)
})
