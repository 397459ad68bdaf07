import { afterEach, describe, expect, it } from 'vitest'
import type { FailureScenario, Scenario } from '../emulator/scenario.ts'
import { readyz, type Stack, startStack } from '../support/stack.ts'

const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }
const twoAccounts = { GS_COOKIE: 'session_id=alice,session_id=bob', ACCOUNT_SELECTION: 'round-robin' }
const good: Scenario = { type: 'answer', text: 'from a good account' }

let stack: Stack
afterEach(async () => {
  await stack.expectNothingLeft()
  await stack.stop()
})

describe.each(['copilot', 'agent'] as const)('accounts over %s', (protocol) => {
  it('A6: passes a signed-out account over, shows it with the time and leaves it alone', async () => {
    stack = await startStack({ env: { ...twoAccounts, GENSPARK_PROTOCOL: protocol } })
    stack.emulator.signOut('alice')
    for (let round = 0; round < 4; round += 1) {
      const completion = await stack.openai.chat.completions.create(body)
      expect(completion.choices[0]?.message.content).toContain('token accepted')
    }
    const { accounts } = await readyz(stack.url)
    expect(accounts).toMatchObject({ ok: true, total: 2, usable: 1 })
    expect(accounts.signed_out).toEqual([
      {
        account: expect.stringMatching(/^acc_[0-9a-f]{8}$/),
        since: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
    ])
    const asked = stack.emulator.asks.filter((ask) => ask.sessionId === 'alice').length
    const refused = stack.emulator.requests.filter(
      (request) => request.sessionId === 'alice' && isAsk(request),
    )
    expect(asked + refused.length).toBeLessThanOrEqual(1)
  })

  it('A7: cools a spent account down until its reset, the next one serves', async () => {
    stack = await startStack({ env: { ...twoAccounts, GENSPARK_PROTOCOL: protocol } })
    const resetAt = Math.floor(Date.now() / 1000) + 7200
    const spent: FailureScenario = { type: 'failure', failure: 'A11', resetAt }
    stack.emulator.answerWith((ask) => (ask.sessionId === 'alice' ? spent : good))
    for (let round = 0; round < 3; round += 1) {
      const completion = await stack.openai.chat.completions.create(body)
      expect(completion.choices[0]?.message.content).toBe('from a good account')
    }
    const [cooling] = (await readyz(stack.url)).accounts.cooling
    expect(cooling?.kind).toBe('quota-spent')
    expect(Math.abs(Date.parse(cooling?.until ?? '') / 1000 - resetAt)).toBeLessThan(5)
    expect(stack.emulator.asks.filter((ask) => ask.sessionId === 'alice').length).toBeLessThanOrEqual(1)
  })

  it('A7: cools a spent account down for a day when no reset time is given', async () => {
    stack = await startStack({ env: { ...twoAccounts, GENSPARK_PROTOCOL: protocol } })
    stack.emulator.answerWith((ask) =>
      ask.sessionId === 'alice' ? { type: 'failure', failure: 'F5' } : good,
    )
    for (let round = 0; round < 2; round += 1) await stack.openai.chat.completions.create(body)
    const [cooling] = (await readyz(stack.url)).accounts.cooling
    const hours = (Date.parse(cooling?.until ?? '') - Date.now()) / 3_600_000
    expect(hours).toBeGreaterThan(23.9)
    expect(hours).toBeLessThanOrEqual(24)
  })

  it('A8: answers 429 with Retry-After when all accounts are rate limited', async () => {
    stack = await startStack({ env: { ...twoAccounts, GENSPARK_PROTOCOL: protocol } })
    stack.emulator.answerWith({ type: 'failure', failure: 'A7', headers: { 'retry-after': '20' } })
    await expect(stack.openai.chat.completions.create(body)).rejects.toMatchObject({
      code: 'all_accounts_cooling',
    })
    const response = await postChat(stack)
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(10)
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(20)
    expect(await response.json()).toMatchObject({
      error: {
        type: 'rate_limit_error',
        message: expect.stringContaining('All cookies are temporarily unavailable.'),
      },
    })
    expect(stack.emulator.asks.length).toBe(2)
  })

  it('A8: tells the SDK not to try again when all quotas are spent: one call', async () => {
    stack = await startStack({ env: { ...twoAccounts, GENSPARK_PROTOCOL: protocol } })
    stack.emulator.answerWith({ type: 'failure', failure: 'F5' })
    await expect(stack.openai.chat.completions.create(body)).rejects.toMatchObject({ status: 429 })
    await expectOneCall(stack, { status: 429, code: 'all_accounts_cooling' })
  })

  it('A8: answers 503 no_account_available when all are signed out: one call', async () => {
    stack = await startStack({
      env: { ...twoAccounts, GENSPARK_PROTOCOL: protocol },
      emulator: { signedOut: ['alice', 'bob'] },
    })
    await expect(stack.openai.chat.completions.create(body)).rejects.toMatchObject({ status: 503 })
    await expectOneCall(stack, { status: 503, code: 'no_account_available' })
  })
})

describe('bound chats', () => {
  it('A10: drops the binding of a deleted chat and answers in a new one', async () => {
    stack = await startStack({ env: { GENSPARK_PROTOCOL: 'copilot' } })
    await stack.openai.chat.completions.create(body)
    await stack.openai.chat.completions.create(body)
    const first = stack.emulator.asks[1]?.projectId
    expect(first).toBeDefined()
    stack.emulator.deleteProject(first ?? '')
    const completion = await stack.openai.chat.completions.create(body)
    expect(completion.choices[0]?.message.content).toContain('token accepted')
    await stack.openai.chat.completions.create(body)
    const second = stack.emulator.asks.at(-1)?.projectId
    expect(second).toBeDefined()
    expect(second).not.toBe(first)
  })

  it('FINDINGS U14: a pinned chat is not sent its history once more, and stays pinned', async () => {
    const pin = '5d0c3b4e-6f5a-4a5c-9c93-111111111111'
    stack = await startStack({
      env: { RECAPTCHA_MODE: 'off', GENSPARK_PROTOCOL: 'agent', MODEL_CHAT_MAP: `gpt-5.4=${pin}` },
    })
    stack.emulator.projectRefusal.unknown = 'accept'
    const [hello] = body.messages
    const history = [hello, { role: 'assistant' as const, content: 'Hi' }, hello] as typeof body.messages
    for (const messages of [body.messages, history, body.messages])
      await stack.openai.chat.completions.create({ ...body, messages })
    expect(stack.emulator.asks.map(({ projectId }) => projectId)).toEqual([pin, undefined, pin])
    expect(stack.emulator.asks.map(({ messages }) => messages.length)).toEqual([1, 3, 1])
    const warned = stack.logs.filter(({ msg, warnings }) => msg === 'request' && warnings)
    expect(warned).toHaveLength(1)
  })

  it('A10: asks without a pinned chat that gives an empty stream', async () => {
    stack = await startStack({
      env: { GENSPARK_PROTOCOL: 'agent', MODEL_CHAT_MAP: 'gpt-5.4=5d0c3b4e-6f5a-4a5c-9c93-111111111111' },
    })
    stack.emulator.answerWith((ask) =>
      ask.projectId ? { type: 'failure', failure: 'A15' } : { type: 'answer', text: 'in a new chat' },
    )
    stack.emulator.projectRefusal.unknown = 'accept'
    for (let round = 0; round < 2; round += 1) {
      const completion = await stack.openai.chat.completions.create(body)
      expect(completion.choices[0]?.message.content).toBe('in a new chat')
    }
    expect(stack.emulator.asks.map((ask) => ask.projectId !== undefined)).toEqual([true, false, false])
  })
})

const isAsk = ({ path }: { readonly path: string }): boolean => path.includes('/ask')

const postChat = ({ url }: Stack) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** The official client with its retries on: it must give up after one call, and nothing goes upstream. */
async function expectOneCall(
  { openai, emulator, logs }: Stack,
  error: Record<string, unknown>,
): Promise<void> {
  const asksBefore = emulator.asks.length
  const callsBefore = chatCalls(logs)
  const retrying = openai.withOptions({ maxRetries: 2 })
  await expect(retrying.chat.completions.create(body)).rejects.toMatchObject(error)
  expect(chatCalls(logs) - callsBefore).toBe(1)
  expect(emulator.asks.length).toBe(asksBefore)
}

const chatCalls = (logs: Stack['logs']): number =>
  logs.filter((line) => line.path === '/v1/chat/completions' && line.status !== undefined).length
