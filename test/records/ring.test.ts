import { describe, expect, it, onTestFinished } from 'vitest'
import { beginRecord, type RequestRecord } from '../../src/records/record.ts'
import { createRecords, type RecordFilter, type SharedRing } from '../../src/records/ring.ts'
import { openReplica } from '../store/shared/open-replica.ts'
import { startRedisServer } from '../support/redis-server.ts'

const ended = (id: string, more: Partial<RequestRecord> = {}): RequestRecord => ({
  ...beginRecord(id, 1000),
  totalMs: 10,
  status: 200,
  ...more,
})

const idsOf = (records: readonly RequestRecord[]) => records.map(({ id }) => id)

describe('the ring of one process', () => {
  it('keeps the last records, the newest first', () => {
    const records = createRecords({ max: 3 })
    for (let index = 0; index < 5; index += 1) records.add(beginRecord(`r${index}`, index))
    expect(idsOf(records.list())).toEqual(['r4', 'r3', 'r2'])
  })

  it('pages, also while new ones come', async () => {
    const records = createRecords({ max: 10, replica: 'one' })
    for (let index = 0; index < 5; index += 1) records.add(ended(`r${index}`))
    const first = await records.page({ limit: 2 })
    expect(idsOf(first.records)).toEqual(['r4', 'r3'])
    expect(first.records[0]?.replica).toBe('one')
    records.add(ended('r5'))
    const second = await records.page({ limit: 2, cursor: first.next })
    expect(idsOf(second.records)).toEqual(['r2', 'r1'])
    const last = await records.page({ limit: 2, cursor: second.next })
    expect(last).toMatchObject({ next: undefined, isPartial: false })
    expect(idsOf(last.records)).toEqual(['r0'])
  })

  const failing = { account: 'acc_1', atMs: 0, queuedMs: 0, outcome: 'reset' }
  it.each<[RecordFilter, string[]]>([
    [{}, ['left', 'slow', 'broken', 'refused', 'good']],
    [{ outcome: 'ok' }, ['slow', 'good']],
    [{ outcome: 'failed' }, ['broken', 'refused']],
    [{ outcome: 'abandoned' }, ['left']],
    [{ code: 'upstream_reset' }, ['broken']],
    [{ model: 'gpt-5' }, ['slow', 'good']],
    [{ account: 'acc_1' }, ['slow']],
    [{ account: 'acc_2' }, ['slow']],
    [{ key: 'console' }, ['good']],
    [{ dialect: 'gemini' }, ['good']],
    [{ slowerThanMs: 10 }, ['slow']],
    [{ attemptsAbove: 1 }, ['slow']],
    [{ mismatch: true }, ['slow']],
    [{ mismatch: false, outcome: 'ok' }, ['good']],
    [{ id: 'left' }, ['left']],
    [{ id: 'left', outcome: 'ok' }, []],
  ])('finds %j', async (filter, ids) => {
    const records = createRecords()
    records.add(ended('good', { key: 'console', dialect: 'gemini', model: 'gpt-5' }))
    records.add(ended('refused', { status: 429, code: 'rate_limit_exceeded' }))
    records.add(ended('broken', { code: 'upstream_reset' }))
    const attempts = [failing, { ...failing, account: 'acc_2', outcome: 'begun' }]
    records.add(ended('slow', { totalMs: 11, attempts, account: 'acc_2', mismatch: true, served: 'gpt-5' }))
    records.add(ended('left', { status: 499 }))
    expect(idsOf((await records.page({ ...filter, limit: 10 })).records)).toEqual(ids)
  })
})

describe('the ring of replicas that share Redis', () => {
  async function start() {
    const server = await startRedisServer()
    onTestFinished(() => server.stop())
    const open = async (replica: string) => {
      const { store } = openReplica({ redisUrl: server.url })
      onTestFinished(() => store.close())
      await expect.poll(() => store.isRedisUp()).toBe(true)
      const records = createRecords({ replica, shared: store.requests, delayMs: 1 })
      onTestFinished(() => records.close())
      return { records, store }
    }
    return { server, open }
  }

  it('shows from each what all have served, page by page, and finds each by its id', async () => {
    const { open } = await start()
    const [one, two] = [await open('one'), await open('two')]
    for (let index = 0; index < 6; index += 1) {
      const { records } = index % 2 ? two : one
      records.add(ended(`r${index}`))
      await records.page({ limit: 1 })
    }
    const first = await two.records.page({ limit: 4 })
    expect(first.records.map(({ id, replica }) => [id, replica])).toEqual([
      ['r5', 'two'],
      ['r4', 'one'],
      ['r3', 'two'],
      ['r2', 'one'],
    ])
    const rest = await one.records.page({ limit: 4, cursor: first.next })
    expect(idsOf(rest.records)).toEqual(['r1', 'r0'])
    expect(rest).toMatchObject({ next: undefined, isPartial: false })
    expect((await two.records.find('r0'))?.replica).toBe('one')
    expect(await two.records.find('r9')).toBeUndefined()
  })

  it('says so when it can show its own alone, and hands them over when Redis is back', async () => {
    const { open, server } = await start()
    const { records, store } = await open('one')
    records.add(ended('before'))
    await records.page({ limit: 1 })
    await server.kill()
    await expect.poll(() => store.isRedisUp()).toBe(false)
    records.add(ended('meanwhile'))
    const alone = await records.page({ limit: 1 })
    expect(alone.isPartial).toBe(true)
    expect(idsOf(alone.records)).toEqual(['meanwhile'])
    await server.restart()
    await expect.poll(() => store.isRedisUp(), { timeout: 10_000 }).toBe(true)
    const { records: two } = await open('two')
    await expect
      .poll(async () => {
        await records.page({ limit: 1 })
        return idsOf((await two.page({ limit: 9 })).records)
      })
      .toContain('meanwhile')
  })

  it('passes over what it cannot read, and a record that was sent twice', async () => {
    const texts = ['{', 'null', '{"id":1}', JSON.stringify(ended('r0')), JSON.stringify(ended('r0'))]
    const shared: SharedRing = {
      append: () => Promise.resolve(true),
      read: () => Promise.resolve(texts.map((text, index) => ({ position: `${9 - index}-0`, text }))),
    }
    expect(idsOf((await createRecords({ shared }).page({ limit: 9 })).records)).toEqual(['r0'])
  })

  it('drops the oldest that cannot be handed over', async () => {
    const sent: string[] = []
    let isUp = false
    const shared: SharedRing = {
      append: async (texts) => isUp && sent.push(...texts.map((text) => JSON.parse(text).id)) > 0,
      read: () => Promise.resolve(undefined),
    }
    const records = createRecords({ max: 2, shared })
    for (let index = 0; index < 6; index += 1) records.add(ended(`r${index}`))
    await records.page({ limit: 1 })
    isUp = true
    await records.close()
    expect(sent).toEqual(['r3', 'r4', 'r5'])
  })
})
