import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLogger } from '../../../src/core/logger.ts'
import { createRedisStore, type RedisStore } from '../../../src/store/redis/redis-store.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { leaseInput } from '../lease-input.ts'
import { epochOf, nextChange, openRedisStore } from './open-redis-store.ts'

const password = 'pass word/@:%'
const unavailable = { code: 'dependency_unavailable' }

let server: RedisServer
let log: string
const open: RedisStore[] = []

beforeEach(async () => {
  log = ''
  server = await startRedisServer({ password })
})
afterEach(async () => {
  server.resume()
  for (const store of open.splice(0)) await store.close()
  await server.stop()
})

const destination = {
  write(line: string) {
    log += line
  },
}
const logger = createLogger({ level: 'debug', format: 'json', destination })

async function create(commandTimeoutMs = 250): Promise<RedisStore> {
  const store = await openRedisStore({ redisUrl: server.url, logger, commandTimeoutMs })
  open.push(store)
  return store
}

/** The connection says so; unlike `once` of Node, an error meanwhile is no end of waiting. */
const heard = (store: RedisStore, event: 'close' | 'connect') =>
  new Promise<void>((resolve) => void store.client.once(event, () => resolve()))

const input = leaseInput({ maxConcurrency: 1 })

const everyMethod: readonly ((store: RedisStore) => Promise<unknown>)[] = [
  (store) => store.lease(input),
  (store) => store.extendLease({ account: 'a', leaseId: 'l', leaseMs: 1 }),
  (store) => store.releaseLease({ account: 'a', leaseId: 'l', model: 'm' }),
  (store) => store.adoptLeases([{ account: 'a', leaseId: 'l', leaseMs: 1 }]),
  (store) => store.countRateLimit('a'),
  (store) => store.clearHold('a'),
  (store) => store.setHold('a', { type: 'signed-out', sinceMs: 1 }),
  (store) => store.accountStates(['a']),
  (store) => store.saveRecord('account', 'id', 'secret of an account'),
  (store) => store.removeRecord('account', 'id'),
  (store) => store.records('account'),
  (store) => store.saveDocument('response', { id: 'i', owner: 'o', text: 't', lifeMs: 1 }),
  (store) => store.replaceDocument('response', 'i', 't'),
  (store) => store.findDocument('response', 'i'),
  (store) => store.listDocuments('response', 'o', 1),
  (store) => store.removeDocument('response', 'i'),
  (store) => store.ping(),
  (store) => epochOf(store),
]

async function expectAllToFail(store: RedisStore): Promise<void> {
  for (const outcome of await Promise.allSettled(everyMethod.map((method) => method(store))))
    expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable })
}

describe('while Redis is away', () => {
  it('B4: every method fails when it is frozen, and the store recovers by itself', async () => {
    const store = await create()
    server.freeze()
    await expectAllToFail(store)
    server.resume()
    await expect.poll(() => store.ping().then(() => 'up', String)).toBe('up')
    expect((await store.lease(input)).type).toBe('leased')
  })

  it('B4: the store recovers also when it was frozen so long that the connection was given up', async () => {
    const store = await create()
    server.freeze()
    const givenUp = heard(store, 'close')
    await expectAllToFail(store)
    await givenUp
    // The kernel still takes connections in for it.
    await heard(store, 'connect')
    await expectAllToFail(store)
    server.resume()
    await expect.poll(() => store.ping().then(() => 'up', String)).toBe('up')
    expect((await store.lease(input)).type).toBe('leased')
  })

  it('a lease whose answer came too late is given back', async () => {
    const store = await create()
    await store.releaseLease({
      ...((await store.lease(input)) as { account: 'a'; leaseId: string }),
      model: 'm',
    })
    server.freeze()
    await expect(store.lease(input)).rejects.toMatchObject(unavailable)
    server.resume()
    await expect.poll(() => store.ping().then(() => 'up', String)).toBe('up')
    expect((await store.lease(input)).type).toBe('leased')
  })

  it('B2: every method fails when it is killed, also those that are under way, and the store recovers', async () => {
    // None of them may wait for its time to be over.
    const store = await create(60_000)
    server.freeze()
    const underWay = store.lease(input)
    await Promise.all([expect(underWay).rejects.toMatchObject(unavailable), server.kill()])
    await expectAllToFail(store)
    const back = nextChange(store)
    await server.restart()
    await back
    await store.ping()
    expect((await store.lease(input)).type).toBe('leased')
  })

  it('B1: a store that began without it joins when it comes', async () => {
    await server.kill()
    const { url: redisUrl } = server
    const store = createRedisStore({ redisUrl, redisPrefix: 'test:', logger, random: Math.random })
    open.push(store)
    await expectAllToFail(store)
    const there = nextChange(store)
    await server.restart()
    await there
    await store.ping()
    expect(await store.records('account')).toEqual(new Map())
  })

  it('a store with a wrong password fails and says so, never the password', async () => {
    const store = createRedisStore({
      redisUrl: server.url.replace(encodeURIComponent(password), 'wrong-word'),
      redisPrefix: 'test:',
      logger,
      random: Math.random,
    })
    open.push(store)
    await expectAllToFail(store)
    await expect.poll(() => log).toContain('WRONGPASS')
    expect(log).not.toContain('wrong-word')
  })

  it('FINDINGS R2: one that is full of texts still leases accounts, under their caps', async () => {
    const store = await create()
    await store.client.call('config', 'set', 'maxmemory', '1')
    const leased = await store.lease(input)
    expect(leased.type).toBe('leased')
    expect(await store.lease(input)).toEqual({ type: 'busy' })
    if (leased.type === 'leased') await store.releaseLease({ ...leased, model: 'm' })
    await store.setHold('a', { type: 'signed-out', sinceMs: 1 })
    await store.saveRecord('account', 'id', 'text')
    await store.isThere()
    expect(await store.records('account')).toEqual(new Map([['id', 'text']]))
  })

  it('FINDINGS R6: a user without the right to INFO is no fault, and nothing is printed', async () => {
    const store = await create()
    await store.client.call('acl', 'setuser', 'few', 'on', '>word', '~*', '&*', '+@all', '-info')
    const printed = vi.spyOn(console, 'warn')
    const redisUrl = server.url.replace(/\/\/.*@/, '//few:word@')
    open.push(await openRedisStore({ redisUrl, logger }))
    expect(printed).not.toHaveBeenCalled()
  })

  it('FINDINGS R5: a database that the server does not have is not taken for another', async () => {
    const store = createRedisStore({
      redisUrl: `${server.url}/99`,
      redisPrefix: 'test:',
      logger,
      random: Math.random,
    })
    open.push(store)
    await expect(store.ping()).rejects.toMatchObject({
      code: 'dependency_unavailable',
      cause: { message: expect.stringContaining('DB index is out of range') },
    })
  })

  it('no error and no log line tells what was in the command or the URL', async () => {
    const store = await create()
    await store.client.call('config', 'set', 'maxmemory', '1')
    const document = { id: 'i', owner: 'o', text: 'secret of an account', lifeMs: 1000 }
    const failure = await store.saveDocument('response', document).catch((error) => error)
    expect(failure).toMatchObject(unavailable)
    logger.error({ err: failure }, 'failed')
    expect(log).toContain('OOM')
    expect(log).not.toContain('secret of an account')
    expect(log).not.toContain('pass word')
  })
})
