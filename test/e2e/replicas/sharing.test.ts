import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { createAccount } from '../../../src/core/account.ts'
import { admin, adminEnv, ask, openStream } from '../../support/ask-replica.ts'
import { gated, wholeGated } from '../../support/gated.ts'
import { type Replicas, startReplicas, untilShared } from '../../support/replicas.ts'

const twoCookies = 'session_id=alice,session_id=bob'

let all: Replicas
afterEach(async () => {
  await all.stop()
})

async function start(...options: Parameters<typeof startReplicas>): Promise<string[]> {
  all = await startReplicas(...options)
  await untilShared(all.replicas)
  return all.replicas.map(({ url }) => url)
}

const sessions = () => all.emulator.asks.map(({ sessionId }) => sessionId)

describe('what one replica learns', () => {
  it('a chat bound on replica 1 is continued by replica 2', async () => {
    const [one = '', two = ''] = await start(2, { env: { GENSPARK_PROTOCOL: 'copilot' } })
    expect((await ask(one)).status).toBe(200)
    expect((await ask(two)).status).toBe(200)
    const [first, second] = all.emulator.asks
    expect(first?.projectId).toBeUndefined()
    expect([second?.projectId]).toEqual([...all.emulator.projects.keys()])
    expect(all.emulator.violations).toEqual([])
  })

  it('a cookie locked by one is passed over by the other on the next request', async () => {
    const [one = '', two = ''] = await start(2, {
      env: { GS_COOKIE: twoCookies, ACCOUNT_SELECTION: 'round-robin' },
    })
    all.emulator.answerWith(({ sessionId }) =>
      sessionId === 'alice' ? { type: 'failure', failure: 'F1' } : { type: 'answer', text: 'good' },
    )
    while (!sessions().includes('alice')) expect((await ask(one)).text).toBe('good')
    const before = sessions().length
    for (let count = 0; count < 6; count += 1) expect((await ask(two)).text).toBe('good')
    expect(sessions().slice(before)).toEqual(Array(6).fill('bob'))
  })

  it('an account added on one replica serves on the other', async () => {
    const [one = '', two = ''] = await start(2, { env: { GS_COOKIE: '', ...adminEnv } })
    expect(await ask(two)).toMatchObject({ status: 503, code: 'no_account_available' })
    await admin(one, 'POST', '', { cookie: 'session_id=carol' })
    await expect.poll(async () => (await ask(two)).status, { timeout: 20_000, interval: 20 }).toBe(200)
    expect(sessions()).toEqual(['carol'])
  })

  it('FINDINGS A5: a session that the site rolled for one is used by the other, sealed on its way', async () => {
    const [one = '', two = ''] = await start(2, { env: { ...adminEnv, STATE_KEY: '7'.repeat(64) } })
    const renewed = all.emulator.rollSession('alice')
    expect((await ask(one)).status).toBe(200)
    await expect.poll(async () => (await admin(two, 'GET')).data[0].session_renewed_at).not.toBeNull()
    expect((await ask(two)).status).toBe(200)
    expect(sessions()).toEqual(['alice', renewed])
    const redis = new Redis(all.redis.url)
    const records = await redis.hgetall('genspark2api:{state}:records:session')
    await redis.quit()
    expect(Object.keys(records)).toEqual([createAccount('session_id=alice').key])
    expect(Object.values(records).join('')).toMatch(/^sealed:/)
    expect(all.emulator.violations).toEqual([])
  })

  it('A11: a stream ends on the cookie that another replica replaces, new requests use the new one everywhere', async () => {
    const [one = '', two = ''] = await start(2, { env: adminEnv })
    const gate = Promise.withResolvers<void>()
    all.emulator.answerWith(() => ({ type: 'answer', chunks: gated(gate.promise) }))
    const stream = await openStream(one)
    const [alice] = (await admin(two, 'GET')).data
    await admin(two, 'PATCH', `/${alice.id}`, { cookie: 'session_id=bob' })
    all.emulator.answerWith({ type: 'answer', text: 'new' })
    expect((await ask(two)).text).toBe('new')
    await expect.poll(async () => (await ask(one)).text && sessions().at(-1)).toBe('bob')
    gate.resolve()
    expect(await stream.ended).toEqual(wholeGated)
  })

  it('A11: a stream ends on an account that another replica removes, which then serves nowhere', async () => {
    const [one = '', two = ''] = await start(2, { env: { GS_COOKIE: '', ...adminEnv } })
    const { data } = await admin(one, 'POST', '', { cookie: 'session_id=carol' })
    const gate = Promise.withResolvers<void>()
    all.emulator.answerWith(() => ({ type: 'answer', chunks: gated(gate.promise) }))
    const stream = await openStream(one)
    await admin(two, 'DELETE', `/${data[0].id}`)
    all.emulator.answerWith({ type: 'answer', text: 'late' })
    for (const url of [two, one])
      await expect.poll(async () => (await ask(url)).code).toBe('no_account_available')
    gate.resolve()
    expect(await stream.ended).toEqual(wholeGated)
  })
})

describe('REQUEST_RATE_LIMIT', () => {
  it('of 60 a minute is one over 3 replicas: the 61st is refused wherever it goes', async () => {
    const urls = await start(3, { env: { REQUEST_RATE_LIMIT: '60' } })
    const statuses: number[] = []
    for (let count = 0; count < 60; count += 1) statuses.push(await modelsStatus(urls[count % 3] ?? ''))
    expect(statuses).toEqual(Array(60).fill(200))
    expect(await Promise.all(urls.map(modelsStatus))).toEqual([429, 429, 429])
    expect(await ask(urls[2] ?? '')).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    expect(all.emulator.asks).toEqual([])
  })
})

const modelsStatus = async (url: string): Promise<number> => {
  const response = await fetch(`${url}/v1/models`)
  await response.text()
  return response.status
}
