import { expect, it } from 'vitest'
import type { Store } from '../../../src/store/store.ts'
import { startApp } from '../support/start-app.ts'

const nowMs = Date.UTC(2026, 10, 23, 12, 30)
const row = { hourMs: Date.UTC(2026, 10, 23, 12), account: '0123456789abcdef', model: 'gpt-5.4' }

async function start(usage: Store['counts'] = () => Promise.resolve([])) {
  const asked: [number, number][] = []
  const app = await startApp({
    env: { ADMIN_SECRET: 'sk-admin', API_SECRET: 'sk-user' },
    services: {
      clock: { now: () => nowMs },
      usage: (sinceMs, untilMs) => {
        asked.push([sinceMs, untilMs])
        return usage(sinceMs, untilMs)
      },
    },
  })
  const get = async (query: string, key = 'sk-admin') => {
    const response = await fetch(`${app.url}/admin/usage${query}`, {
      headers: { authorization: `Bearer ${key}` },
    })
    return { status: response.status, body: await response.json() }
  }
  return { asked, get }
}

it('shows rows with the label of the account', async () => {
  const { get } = await start(() =>
    Promise.resolve([
      { ...row, caller: 'fedcba9876543210', succeeded: 3, failed: 2, abandoned: 1 },
      { ...row, account: 'other', model: 'other', caller: '', succeeded: 0, failed: 0, abandoned: 1 },
    ]),
  )
  expect(await get('')).toEqual({
    status: 200,
    body: {
      object: 'list',
      from: '2026-11-22T12:30:00.000Z',
      to: '2026-11-23T12:30:00.000Z',
      data: [
        {
          hour: '2026-11-23T12:00:00.000Z',
          account: 'acc_01234567',
          model: 'gpt-5.4',
          caller: 'fedcba9876543210',
          succeeded: 3,
          failed: 2,
          abandoned: 1,
        },
        {
          hour: '2026-11-23T12:00:00.000Z',
          account: 'other',
          model: 'other',
          caller: null,
          succeeded: 0,
          failed: 0,
          abandoned: 1,
        },
      ],
    },
  })
})

it.each([
  ['', Date.UTC(2026, 10, 22, 12, 30), nowMs],
  ['?from=2026-11-01T00:00:00Z', Date.UTC(2026, 10, 1), nowMs],
  ['?to=2026-11-02T00:00:00Z', Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 2)],
  ['?from=2026-11-01&to=2026-11-02T02:00:00%2B02:00', Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 2)],
])('reads %j', async (query, sinceMs, untilMs) => {
  const { get, asked } = await start()
  expect((await get(query)).status).toBe(200)
  expect(asked).toEqual([[sinceMs, untilMs]])
})

it.each([
  ['?from=yesterday', 'from'],
  ['?to=2026-13-01', 'to'],
  ['?to=2026-11-02T00:00:00', 'to'],
  ['?from=2026-11-01&from=2026-11-02', 'from'],
  ['?from=2026-11-03&to=2026-11-02', 'from'],
])('refuses %j', async (query, param) => {
  const { get, asked } = await start()
  expect(await get(query)).toMatchObject({ status: 400, body: { error: { code: 'invalid_value', param } } })
  expect(asked).toEqual([])
})

it('is the operator’s alone', async () => {
  const { get } = await start()
  expect(await get('', 'sk-user')).toMatchObject({
    status: 401,
    body: { error: { code: 'invalid_api_key' } },
  })
})
