import { describe, expect, it } from 'vitest'
import { createRecords } from '../../../src/records/ring.ts'
import { chatBody, startApp } from '../support/start-app.ts'

const headers = { authorization: 'Bearer adm' }

async function start() {
  const records = createRecords({ replica: 'one' })
  const app = await startApp({ env: { ADMIN_SECRET: 'adm' }, services: { records } })
  const get = async (path: string) => {
    const response = await fetch(app.url + path, { headers })
    return { status: response.status, body: await response.json() }
  }
  return { app, get }
}

describe('GET /admin/requests', () => {
  it('FINDINGS O1: tells what became of each request, without its words', async () => {
    const { app, get } = await start()
    const served = await app.post(chatBody, { headers: { 'user-agent': 'OpenAI/JS 6.0.0' } })
    await served.text()
    await (await app.post('{')).text()
    await expect.poll(async () => (await get('/admin/requests')).body.data.length).toBe(2)
    const { body } = await get('/admin/requests?outcome=ok')
    expect(body).toMatchObject({ object: 'list', next_cursor: null, partial: false })
    expect(body.data).toMatchObject([
      {
        object: 'request',
        id: served.headers.get('x-request-id'),
        replica: 'one',
        method: 'POST',
        route: '/v1/chat/completions',
        dialect: 'openai-chat',
        client: 'OpenAI',
        model: { mismatch: false },
        outcome: 'ok',
        status: 200,
      },
    ])
    expect(JSON.stringify(body)).not.toContain('Hi there')
    expect((await get('/admin/requests?code=invalid_json')).body.data).toMatchObject([{ outcome: 'failed' }])
    const { id } = body.data[0]
    expect(await get(`/admin/requests/${id}`)).toMatchObject({ status: 200, body: { id } })
  })

  it('pages, and does not list those that look on', async () => {
    const { app, get } = await start()
    for (let index = 0; index < 3; index += 1) await (await app.post(chatBody)).text()
    await expect.poll(async () => (await get('/admin/requests')).body.data.length).toBe(3)
    const first = (await get('/admin/requests?limit=2')).body
    expect(first.data.length).toBe(2)
    const rest = (await get(`/admin/requests?limit=2&cursor=${first.next_cursor}`)).body
    expect(rest.data.length).toBe(1)
    expect(rest.next_cursor).toBeNull()
  })

  it.each([
    '?limit=0',
    '?limit=201',
    '?cursor=x',
    '?outcome=odd',
    '?odd=1',
    '?mismatch=1',
    '?limit=1&limit=2',
  ])('refuses %s', async (query) => {
    const { get } = await start()
    expect(await get(`/admin/requests${query}`)).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_value' } },
    })
  })

  it('answers 404 for an id that is not among the last', async () => {
    const { get } = await start()
    expect(await get('/admin/requests/none')).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found' } },
    })
  })
})
