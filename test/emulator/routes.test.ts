import { once } from 'node:events'
import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from './emulator.ts'
import { defaultQuota } from './quotas.ts'
import { agentBody, askAgent, askHeaders, rawRequest } from './raw-request.ts'
import { readJson } from './read-events.ts'

let emulator: Emulator
beforeEach(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterEach(() => emulator.close())

const call = async (path: string, body?: unknown, headers = {}) =>
  readJson(await rawRequest(`${emulator.url}${path}`, { body, headers: { ...askHeaders, ...headers } }))

describe('projects', () => {
  const blank = { session_state: { steps: [], messages: [] }, name: 'image', type: 'ai_chat' }

  test.each([[{ article: '# image' }], [blank]])('are created by %j and then continued', async (body) => {
    const { data } = await call('/api/project/create', body)
    expect(emulator.projects.get(data.id)?.sessionId).toBe('alice')
    expect((await askAgent(emulator.url, { ...agentBody, project_id: data.id })).status).toBe(200)
    expect(emulator.violations).toEqual([])
  })

  test('are not created without credits', async () => {
    emulator.quotas.set('alice', { ...defaultQuota, remaining: 0 })
    expect(await call('/api/project/create', blank)).toMatchObject({
      status: -8,
      message: expect.stringContaining("You've run out of credits"),
    })
    expect(emulator.projects.size).toBe(0)
  })

  test('are read and written by update, by their own account', async () => {
    const { id } = (await call('/api/project/create', blank)).data
    const update = (more = {}, headers = {}) =>
      call('/api/project/update', { id, request_not_update_permission: true, ...more }, headers)
    expect((await update()).data).toEqual({ name: 'image', session_state: { messages: [] } })
    await update({ name: 'ball', session_state: { messages: ['a'] } })
    expect((await update()).data).toEqual({ name: 'ball', session_state: { messages: ['a'] } })
    expect(await update({}, { Cookie: 'session_id=bob' })).toMatchObject({ status: -1 })
  })

  test('a body of another shape is refused', async () => {
    await call('/api/project/create', { title: 'a' })
    await call('/api/project/update', { id: 'a' })
    expect(emulator.violations).toHaveLength(2)
  })
})

describe('quotas', () => {
  test('are what the test says, by account', async () => {
    emulator.quotas.set('alice', { ...defaultQuota, remaining: 7 })
    expect((await call('/api/payment/get_credit_balance')).data.remaining).toBe(7)
    expect((await call('/api/credit_audit/billing_cycle')).data.remaining).toBe(7)
    const bob = await call('/api/payment/get_credit_balance', undefined, { Cookie: 'session_id=bob' })
    expect(bob.data.remaining).toBe(100)
    const { windows } = await call('/api/quota/free_pool?category=chat')
    expect(windows['5h']).toEqual({
      remaining_dollars: 1.5,
      limit_dollars: 2,
      spent_dollars: 0.5,
      reset_at: 1790595239,
    })
  })

  test('are not told to a signed-out account', async () => {
    emulator.signOut('alice')
    expect(await call('/api/quota/free_pool')).toEqual({ status: -5, message: 'not login', data: {} })
  })
})

describe('model lists', () => {
  test('change when the test says so', async () => {
    emulator.lists.text = [{ name: 'gpt-7' }, { name: 'gpt-0', hidden: true }]
    emulator.lists.image = [{ name: 'gpt-image-3' }]
    const entries = (await call('/api/moa_models_config')).models as { name: string; hidden: boolean }[]
    expect(entries.map(({ name, hidden }) => [name, hidden])).toEqual([
      ['gpt-7', false],
      ['gpt-0', true],
    ])
    expect((await call('/api/models_config')).data.image_models).toEqual([{ name: 'gpt-image-3' }])
    emulator.lists.wrapped = true
    expect((await call('/api/moa_models_config')).data.models).toHaveLength(2)
  })
})

describe('faults', () => {
  test('stand in for a route: status, headers, body, or a reset', async () => {
    const path = '/api/models_config'
    emulator.faults.set(`GET ${path}`, { status: 429, headers: { 'Retry-After': '3' }, body: 'slow down' })
    const { status, headers, body } = await rawRequest(`${emulator.url}${path}`)
    expect([status, headers['retry-after'], body.toString()]).toEqual([429, '3', 'slow down'])
    emulator.faults.set(`GET ${path}`, { reset: true })
    await expect(rawRequest(`${emulator.url}${path}`)).rejects.toMatchObject({ code: 'ECONNRESET' })
    emulator.faults.delete(`GET ${path}`)
    expect((await rawRequest(`${emulator.url}${path}`)).status).toBe(200)
  })

  test.each(['/', '/agents', '/recaptcha/enterprise.js', '/api/is_login', '/api/models_config'])(
    'take GET %s and never answer',
    async (path) => {
      emulator.faults.set(`GET ${path}`, { hang: 'before-headers' })
      const outgoing = request(`${emulator.url}${path}`, { headers: askHeaders, agent: false }).end()
      outgoing.on('error', () => {})
      await emulator.until(() => emulator.openRequests() === 1)
      await new Promise((resolve) => setImmediate(resolve))
      expect(emulator.requests).toMatchObject([{ path }])
      outgoing.destroy()
      await emulator.until(() => emulator.openRequests() === 0)
    },
  )

  test.each([
    ['GET', '/agents'],
    ['GET', '/recaptcha/api.js'],
    ['GET', '/api/is_login'],
    ['POST', '/api/agent/ask_proxy'],
    ['POST', '/api/copilot/ask'],
  ])('answer %s %s with headers and the beginning of a body, and no more', async (method, path) => {
    emulator.faults.set(`${method} ${path}`, { hang: 'after-headers', body: 'begun' })
    const outgoing = request(`${emulator.url}${path}`, { method, headers: askHeaders, agent: false }).end()
    const [response] = await once(outgoing, 'response')
    const [bytes] = await once(response, 'data')
    expect([response.statusCode, bytes.toString(), emulator.openRequests()]).toEqual([200, 'begun', 1])
    expect([emulator.asks, emulator.violations]).toEqual([[], []])
    outgoing.destroy()
    await emulator.until(() => emulator.openRequests() === 0)
  })

  test('an ask may be answered by one, and the next as always', async () => {
    emulator.faults.set('POST /api/agent/ask_proxy', { status: 503, body: 'no', times: 1 })
    const answers = [await askAgent(emulator.url), await askAgent(emulator.url)]
    expect(answers.map(({ status }) => status)).toEqual([503, 200])
    expect(emulator.asks).toHaveLength(1)
  })
})
