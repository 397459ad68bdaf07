import { describe, expect, it } from 'vitest'
import type { AccountView } from '../../../src/accounts/account-admin.ts'
import { verdictOf } from '../../../src/http/admin/overview.ts'
import type { Readiness } from '../../../src/http/readiness.ts'
import { createRecords } from '../../../src/records/ring.ts'
import { createSeries } from '../../../src/records/series.ts'
import { chatBody, startApp } from '../support/start-app.ts'

const viewOf = (more: Partial<AccountView> = {}): AccountView => ({
  ...{ id: 'acc_00000001', kind: 'cookie', note: undefined, paused: false, source: 'added' },
  ...{ addedMs: undefined, proxy: undefined, renewedMs: undefined, endsMs: undefined, inFlight: 0 },
  ...more,
})
const ready: Readiness = { ready: true, parts: { accounts: { ok: true } } }
const browserDown: Readiness = { ready: false, parts: { browser: { ok: false, state: 'down' } } }
const cooling = (untilMs: number) => viewOf({ hold: { type: 'cooling', kind: 'rate-limited', untilMs } })

describe('the verdict', () => {
  it.each<[readonly AccountView[], Readiness, string, string]>([
    [[], ready, 'bad', 'no_account'],
    [[viewOf(), viewOf({ inFlight: 1 })], ready, 'good', 'serving'],
    [[viewOf(), viewOf({ paused: true })], ready, 'good', 'serving'],
    [[viewOf(), cooling(1)], ready, 'warning', 'serving_some'],
    [[cooling(1), viewOf({ paused: true })], ready, 'bad', 'none_usable'],
    [[viewOf()], browserDown, 'bad', 'part_down'],
    [[viewOf()], { ready: false, parts: { process: { ok: false } } }, 'bad', 'shutting_down'],
  ])('of %j with %j is %s: %s', (views, readiness, level, sentence_key) => {
    expect(verdictOf(views, readiness)).toMatchObject({ level, sentence_key })
  })

  it('says who is away and until when', () => {
    expect(verdictOf([viewOf(), cooling(2000), cooling(1000)], browserDown).facts).toEqual([
      { key: 'usable', count: 1, of: 3 },
      { key: 'cooling', count: 2, until: '1970-01-01T00:00:01.000Z' },
      { key: 'part', part: 'browser', state: 'down' },
    ])
  })
})

describe('GET /admin/overview and /admin/series', () => {
  async function start() {
    const clock = { ms: Date.UTC(2026, 10, 28, 12), now: () => clock.ms }
    const series = createSeries(clock)
    const records = createRecords()
    records.onEnded(series.add)
    const row = { hourMs: Date.UTC(2026, 10, 20, 7), account: '0123456789abcdef', model: 'm', caller: '' }
    const usage = () => Promise.resolve([{ ...row, succeeded: 3, failed: 2, abandoned: 1 }])
    const services = { clock, series, records, usage, replica: 'one' }
    const app = await startApp({ env: { ADMIN_SECRET: 'adm' }, services })
    const get = async (path: string) => {
      const response = await fetch(app.url + path, { headers: { authorization: 'Bearer adm' } })
      return { status: response.status, body: await response.json() }
    }
    const served = app.nextRequestLine()
    await (await app.post(chatBody)).text()
    await served
    const refused = app.nextRequestLine()
    await (await app.post('{')).text()
    await refused
    return { get }
  }

  it('tell how things stand', async () => {
    const { get } = await start()
    expect((await get('/admin/overview')).body).toMatchObject({
      object: 'overview',
      verdict: { level: 'bad', sentence_key: 'no_account' },
      replica: 'one',
      uptime_s: 0,
      accounts: { all: 0 },
      last_5_minutes: { requests: 2, failed: 1, abandoned: 0 },
      last_24_hours: { requests: 2, failed: 1 },
    })
  })

  it('tell the last hour by the minute, in columns of one length', async () => {
    const { get } = await start()
    const { body } = await get('/admin/series')
    expect(body).toMatchObject({ object: 'series', step: 60, of: 'replica' })
    expect(body.t.at(-1)).toBe(Date.UTC(2026, 10, 28, 12) / 1000)
    expect(body.requests.at(-1)).toBe(2)
    expect(body.failed.invalid_json.at(-1)).toBe(1)
    for (const column of [
      body.requests,
      body.abandoned,
      body.tokens.in,
      body.total.p95,
      body.first_event.p50,
    ])
      expect(column.length).toBe(body.t.length)
  })

  it('tell days by the hour, of all replicas', async () => {
    const { get } = await start()
    const { body } = await get('/admin/series?from=2026-11-20&to=2026-11-21')
    expect(body).toMatchObject({ step: 3600, of: 'all' })
    expect(body.t.length).toBe(24)
    expect(body.requests[7]).toBe(6)
    expect(body.failed.attempts[7]).toBe(2)
  })

  it.each([
    '?step=30',
    '?step=90',
    '?from=2026-11-28T11:00:00Z&to=2026-11-28',
    '?from=odd',
    '?from=2020-01-01',
  ])('refuse %s', async (query) => {
    const { get } = await start()
    expect((await get(`/admin/series${query}`)).status).toBe(400)
  })
})
