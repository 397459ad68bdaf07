import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultQuota } from '../emulator/quotas.ts'
import { readEvents } from '../support/read-events.ts'
import { readyz, type Stack, type StackOptions, startStack } from '../support/stack.ts'

const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }
const secret = 'sk-admin'

let dataDir: string
let stack: Stack
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'genspark2api-accounts-'))
})
afterEach(async () => {
  await stack.expectNothingLeft()
  await stack.stop()
  await rm(dataDir, { recursive: true })
})

async function start(env: Readonly<Record<string, string>> = {}, emulator: StackOptions['emulator'] = {}) {
  stack = await startStack({
    env: { DATA_DIR: dataDir, ADMIN_SECRET: secret, RECAPTCHA_MODE: 'off', TOKEN_REQUIRED: 'false', ...env },
    emulator: { tokenCheck: 'off', ...emulator },
  })
}

async function admin(method: string, path = '', content?: unknown) {
  const response = await fetch(`${stack.url}/admin/accounts${path}`, {
    method,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    ...(content !== undefined && { body: JSON.stringify(content) }),
  })
  expect(response.ok).toBe(true)
  return await response.json()
}

const ask = () => stack.openai.chat.completions.create(body)
const lastSession = () => stack.emulator.asks.at(-1)?.sessionId

describe.each(['copilot', 'agent'] as const)('accounts at run time over %s', (GENSPARK_PROTOCOL) => {
  it('serves with an account that is added, over a restart, sealed in its file', async () => {
    const env = { GS_COOKIE: '', GENSPARK_PROTOCOL, STATE_KEY: '7'.repeat(64) }
    await start(env)
    await expect(ask()).rejects.toMatchObject({ status: 503, code: 'no_account_available' })
    await admin('POST', '', { cookie: 'session_id=bob', label: 'his' })
    await ask()
    expect(lastSession()).toBe('bob')
    await stack.stop()
    await start(env)
    await ask()
    expect(lastSession()).toBe('bob')
    expect((await admin('GET')).data).toMatchObject([{ label: 'his', state: 'usable', source: 'added' }])
  })

  it('A11: a running stream ends on the old cookie, new requests use the new one', async () => {
    await start({ GENSPARK_PROTOCOL })
    const [alice] = (await admin('GET')).data
    stack.emulator.answerWith({ type: 'answer', chunks: ['one ', 'two ', 'three'], chunkDelayMs: 100 })
    const response = await fetch(`${stack.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, stream: true }),
    })
    await admin('PATCH', `/${alice.id}`, { cookie: 'session_id=bob' })
    await ask()
    expect(stack.emulator.asks.map(({ sessionId }) => sessionId)).toEqual(['alice', 'bob'])
    const { events, done } = await readEvents(response)
    expect([events.map(({ choices }) => choices?.[0]?.delta.content ?? '').join(''), done]).toEqual([
      'one two three',
      true,
    ])
  })

  it('A6: an account that is signed in again serves after a check, and after a restart', async () => {
    await start({ GENSPARK_PROTOCOL }, { signedOut: ['alice'] })
    await expect(ask()).rejects.toMatchObject({ code: 'no_account_available' })
    const [alice] = (await admin('GET')).data
    expect(alice.state).toBe('signed-out')
    expect((await admin('POST', `/${alice.id}/check`)).state).toBe('signed-out')
    stack.emulator.signIn('alice')
    expect((await admin('POST', `/${alice.id}/check`)).state).toBe('usable')
    await ask()

    stack.emulator.signOut('alice')
    await expect(ask()).rejects.toMatchObject({ code: 'no_account_available' })
    await stack.stop()
    await start({ GENSPARK_PROTOCOL })
    await expect.poll(async () => (await readyz(stack.url)).accounts.usable).toBe(1)
    await ask()
  })
})

describe('AUTO_DEL_CHAT', () => {
  const env = { AUTO_DEL_CHAT: '1' }
  const deleted = () =>
    stack.emulator.requests.filter(({ path }) => path.startsWith('/api/project/delete')).length

  it('deletes the chat of an answer that is not bound', async () => {
    await start({ ...env, GENSPARK_PROTOCOL: 'copilot', AUTO_MODEL_CHAT_MAP_TYPE: '0' })
    await ask()
    await stack.emulator.until(() => deleted() === 1)
  })

  it('goes on after a restart with what was under way', async () => {
    await start({ ...env, GENSPARK_PROTOCOL: 'agent' })
    stack.emulator.faults.set('GET /api/project/delete', { delayMs: 30_000, reset: true })
    await ask()
    await expect.poll(deleted).toBe(1)
    await stack.stop()
    await start({ GENSPARK_PROTOCOL: 'agent' })
    await stack.emulator.until(() => deleted() === 1)
  })

  it('never deletes a bound chat', async () => {
    await start({ ...env, GENSPARK_PROTOCOL: 'copilot' })
    await ask()
    await ask()
    const [first, second] = stack.emulator.asks
    expect(first?.projectId).toBeUndefined()
    expect(second?.projectId).toBeDefined()
    expect(deleted()).toBe(0)
  })

  it('deletes each chat over agent, where none is bound', async () => {
    await start({ ...env, GENSPARK_PROTOCOL: 'agent' })
    await ask()
    await ask()
    await stack.emulator.until(() => deleted() === 2)
  })
})

describe.each(['copilot', 'agent'] as const)('SESSION_IMAGE_CHAT_MAP over %s', (GENSPARK_PROTOCOL) => {
  it('sends the images of an account to its chat', async () => {
    const chatId = '5d0c3b4e-6f5a-4a5c-9c93-111111111111'
    await start({
      GENSPARK_PROTOCOL,
      GS_COOKIE: 'session_id=alice,session_id=bob',
      ACCOUNT_SELECTION: 'round-robin',
      SESSION_IMAGE_CHAT_MAP: `alice=${chatId}`,
    })
    stack.emulator.projectRefusal.unknown = 'accept'
    for (let round = 0; round < 2; round += 1) {
      const { data } = await stack.openai.images.generate({ model: 'nano-banana-2', prompt: 'a cat' })
      expect(data?.length).toBe(1)
    }
    const projects = stack.emulator.asks.map(({ sessionId, projectId }) => [sessionId, projectId])
    expect(projects.sort()).toEqual([
      ['alice', chatId],
      ['bob', undefined],
    ])
  })
})

describe('billing', () => {
  it('tells what is left of all accounts', async () => {
    await start({ GS_COOKIE: 'session_id=alice,session_id=bob' })
    const left = (dollars: number) => {
      const { '5h': short, '7d': long } = defaultQuota.windows
      const windows = {
        '5h': { ...short, remaining_dollars: dollars },
        '7d': { ...long, remaining_dollars: 99 },
      }
      return { ...defaultQuota, windows }
    }
    stack.emulator.quotas.set('alice', left(30))
    stack.emulator.quotas.set('bob', left(12))
    const read = async (part: string) => (await fetch(`${stack.url}/dashboard/billing/${part}`)).json()
    const { hard_limit_usd } = await read('subscription')
    const { total_usage } = await read('usage')
    expect(hard_limit_usd - total_usage / 100).toBeCloseTo(42, 6)
  })
})
