import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { openReplica, type Replica } from './open-replica.ts'

let server: RedisServer
let one: Replica
let two: Replica

beforeEach(async () => {
  server = await startRedisServer({ appendOnly: true })
  one = openReplica({ redisUrl: server.url })
  two = openReplica({ redisUrl: server.url })
  await Promise.all([one.until('up'), two.until('up')])
})
afterEach(async () => {
  await Promise.all([one.store.close(), two.store.close()])
  await server.stop()
})

const away = { code: 'dependency_unavailable' }
const kept = (id: string) => ({ id, owner: 'key', text: `text ${id}` })
const keep = ({ store }: Replica, id: string) =>
  store.saveDocument('response', { ...kept(id), lifeMs: 60_000 })

describe('kept texts', () => {
  it('are known to every replica', async () => {
    await keep(one, 'a')
    expect(await two.store.findDocument('response', 'a')).toEqual(kept('a'))
    expect(await two.store.removeDocument('response', 'a')).toBe(true)
    expect(await one.store.findDocument('response', 'a')).toBeUndefined()
  })

  it('of a Redis that is away are not said to be gone; what is kept meanwhile moves over', async () => {
    await keep(one, 'early')
    await server.kill()
    await one.until('down')
    await expect(one.store.findDocument('response', 'early')).rejects.toMatchObject(away)
    await expect(one.store.replaceDocument('response', 'early', 'new')).rejects.toMatchObject(away)
    await expect(one.store.removeDocument('response', 'early')).rejects.toMatchObject(away)

    await keep(one, 'late')
    await keep(one, 'dropped')
    expect(await one.store.removeDocument('response', 'dropped')).toBe(true)
    expect(await one.store.replaceDocument('response', 'late', 'new text')).toBe(true)
    expect(await one.store.findDocument('response', 'late')).toEqual({ ...kept('late'), text: 'new text' })

    await server.restart()
    await Promise.all([one.until('up'), two.until('up')])
    expect(await two.store.listDocuments('response', 'key', 10)).toEqual([
      { ...kept('late'), text: 'new text' },
      kept('early'),
    ])
  })
})
