import { describe, expect, it } from 'vitest'
import type { AccountAdmin, AccountView } from '../../../src/accounts/account-admin.ts'
import { InvalidRequestError, UpstreamError } from '../../../src/core/errors.ts'
import { beginRecord } from '../../../src/records/record.ts'
import { createRecords } from '../../../src/records/ring.ts'
import { startApp } from '../support/start-app.ts'

const headers = { authorization: 'Bearer adm', 'content-type': 'application/json' }

const viewOf = (index: number, more: Partial<AccountView> = {}): AccountView => ({
  id: `acc_${String(index).padStart(8, '0')}`,
  kind: 'cookie',
  note: undefined,
  paused: false,
  source: 'added',
  addedMs: undefined,
  proxy: undefined,
  renewedMs: undefined,
  endsMs: undefined,
  inFlight: 0,
  ...more,
})

const cooling = (kind: 'rate-limited' | 'quota-spent') => ({ type: 'cooling', kind, untilMs: 1 }) as const
const views = [
  viewOf(1, { note: 'Bob' }),
  viewOf(2, { note: 'alice', inFlight: 2 }),
  viewOf(3, { hold: cooling('rate-limited') }),
  viewOf(4, { hold: cooling('quota-spent') }),
  viewOf(5, { hold: { type: 'signed-out', sinceMs: 0 } }),
  viewOf(6, { hold: { type: 'signed-out', sinceMs: 0, reason: 'plan-blocked' } }),
  viewOf(7, { paused: true, proxy: 'http://proxy.test:8080' }),
]
const idOf = (index: number) => viewOf(index).id

async function start(over: Partial<AccountAdmin> = {}) {
  const records = createRecords()
  const list = [...views]
  const accountAdmin = { list: () => Promise.resolve(list), ...over } as unknown as AccountAdmin
  const app = await startApp({ env: { ADMIN_SECRET: 'adm' }, services: { accountAdmin, records } })
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(app.url + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }
  const ids = async (query: string) =>
    (await call('GET', `/admin/accounts${query}`)).body.data.map(({ id }: { id: string }) => id)
  return { app, records, list, call, ids }
}

describe('GET /admin/accounts', () => {
  it.each([
    ['?state=usable', [1]],
    ['?state=busy', [2]],
    ['?state=cooling', [3]],
    ['?state=spent', [4]],
    ['?state=signed-out', [5]],
    ['?state=plan-blocked', [6]],
    ['?state=paused', [7]],
    ['?q=ALI', [2]],
    ['?q=acc_00000003', [3]],
    ['?q=proxy.test', [7]],
    ['?sort=-label&limit=2', [2, 7]],
    ['?sort=-in_flight&limit=1', [2]],
    ['?sort=-added&limit=2', [7, 6]],
    ['?sort=-state&limit=1', [7]],
  ])('FINDINGS O11: finds %s', async (query, indexes) => {
    const { ids } = await start()
    expect(await ids(query)).toEqual(indexes.map(idOf))
  })

  it('pages with counts, also when an account goes meanwhile', async () => {
    const { call, list, ids } = await start()
    const { body } = await call('GET', '/admin/accounts?limit=3')
    expect(body).toMatchObject({
      counts: {
        all: 7,
        usable: 1,
        busy: 1,
        cooling: 1,
        spent: 1,
        'signed-out': 1,
        'plan-blocked': 1,
        paused: 1,
      },
      found: 7,
    })
    list.splice(2, 1)
    list.splice(0, 1)
    expect(await ids(`?limit=3&cursor=${body.next_cursor}`)).toEqual([6, 7].map(idOf))
    expect((await call('GET', '/admin/accounts?limit=9')).body.next_cursor).toBeNull()
  })

  it('is not sent again to who has it', async () => {
    const { app } = await start()
    const get = (more: Record<string, string> = {}) =>
      fetch(`${app.url}/admin/accounts?limit=2`, { headers: { ...headers, ...more } })
    const etag = (await get()).headers.get('etag') ?? ''
    expect((await get({ 'if-none-match': etag })).status).toBe(304)
    expect((await get({ 'if-none-match': '"other"' })).status).toBe(200)
  })

  it.each(['?limit=201', '?sort=odd', '?state=odd', '?cursor=odd', '?odd=1'])('refuses %s', async (query) => {
    const { call } = await start()
    expect((await call('GET', `/admin/accounts${query}`)).status).toBe(400)
  })
})

describe('GET /admin/accounts/:id', () => {
  it('shows what it served last, and its last failure', async () => {
    const { call, records } = await start()
    const attempt = { account: idOf(1), atMs: 0, queuedMs: 0 }
    records.add({ ...beginRecord('bad', 1000), attempts: [{ ...attempt, outcome: 'reset', said: 'oh' }] })
    records.add({
      ...beginRecord('good', 2000),
      account: idOf(1),
      attempts: [{ ...attempt, outcome: 'begun' }],
    })
    records.add({ ...beginRecord('other', 3000), account: idOf(2) })
    const { body } = await call('GET', `/admin/accounts/${idOf(1)}`)
    expect(body).toMatchObject({
      id: idOf(1),
      doing: 'usable',
      last_used_at: '1970-01-01T00:00:02.000Z',
      last_failure: { id: 'bad' },
      requests: [{ id: 'good' }, { id: 'bad' }],
    })
    expect((await call('GET', '/admin/accounts/acc_99999999')).status).toBe(404)
  })
})

describe('POST /admin/accounts/bulk', () => {
  it('acts on those of a filter, and tells what failed', async () => {
    const changed: unknown[] = []
    const { call } = await start({
      change: (id, change) => {
        changed.push([id, change])
        if (id === idOf(5)) return Promise.reject(new InvalidRequestError('not_found'))
        return Promise.resolve(viewOf(1))
      },
    })
    const { status, body } = await call('POST', '/admin/accounts/bulk', {
      filter: { state: 'signed-out' },
      action: 'pause',
    })
    expect(status).toBe(202)
    expect(body).toMatchObject({ object: 'task', action: 'pause', total: 1 })
    await expect
      .poll(async () => (await call('GET', `/admin/tasks/${body.id}`)).body)
      .toMatchObject({ status: 'done', done: 0, failed: [{ id: idOf(5), code: 'not_found' }] })
    const more = await call('POST', '/admin/accounts/bulk', {
      ids: [idOf(1), idOf(2), idOf(1)],
      action: 'label',
      label: null,
    })
    await expect
      .poll(async () => (await call('GET', `/admin/tasks/${more.body.id}`)).body)
      .toMatchObject({ status: 'done', total: 2, done: 2 })
    expect(changed).toEqual([
      [idOf(5), { paused: true }],
      [idOf(1), { note: null }],
      [idOf(2), { note: null }],
    ])
  })

  it('checks at a pace, and can be cancelled', async () => {
    const asked: string[] = []
    const { call } = await start({
      check: (id, signal) => {
        asked.push(id)
        if (id === idOf(1)) return Promise.reject(new UpstreamError('challenged'))
        const { promise, reject } = Promise.withResolvers<never>()
        signal.addEventListener('abort', () => reject(signal.reason))
        return promise
      },
    })
    const { body } = await call('POST', '/admin/accounts/bulk', { filter: {}, action: 'check' })
    await expect.poll(() => asked.length).toBe(1)
    expect((await call('DELETE', `/admin/tasks/${body.id}`)).status).toBe(200)
    await expect
      .poll(async () => (await call('GET', `/admin/tasks/${body.id}`)).body)
      .toMatchObject({ status: 'cancelled', done: 0, failed: [{ id: idOf(1), code: 'challenged' }] })
    expect(asked).toEqual([idOf(1)])
  })

  it.each([
    { action: 'pause' },
    { action: 'odd', ids: [idOf(1)] },
    { action: 'label', ids: [idOf(1)] },
    { action: 'set-proxy', ids: [idOf(1)] },
    { action: 'set-proxy', ids: [idOf(1)], proxy_url: 'odd' },
    { action: 'pause', ids: [idOf(1)], filter: {} },
  ])('refuses %j', async (body) => {
    const { call } = await start()
    expect((await call('POST', '/admin/accounts/bulk', body)).status).toBe(400)
  })
})
