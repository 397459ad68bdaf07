import { afterEach, describe, expect, it } from 'vitest'
import type { ServiceOverrides } from '../../src/create-modules.ts'
import type { Scenario } from '../emulator/scenario.ts'
import { startHttpProxy } from '../support/proxies.ts'
import { readyz, type Stack, startStack } from '../support/stack.ts'

const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }
const good: Scenario = { type: 'answer', text: 'fine' }
const withoutTokens = { RECAPTCHA_MODE: 'off', GENSPARK_PROTOCOL: 'agent' }
const twoAccounts = { ...withoutTokens, GS_COOKIE: 'session_id=alice,session_id=bob' }

const picture =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='

let stack: Stack
afterEach(async () => {
  await stack.expectNothingLeft()
  await stack.stop()
})

const start = async (env: Record<string, string>, overrides: ServiceOverrides = {}) => {
  stack = await startStack({ env, overrides, emulator: { tokenCheck: 'off' } })
}
const ask = async () => (await stack.openai.chat.completions.create(body)).choices[0]?.message.content
const codeOf = (): Promise<unknown> =>
  ask().then(
    () => 'answered',
    (error: unknown) => (error as { code?: unknown }).code,
  )
const states = async () => (await readyz(stack.url)).accounts

describe('words', () => {
  it.each([
    ['tool', '3 pages found: GitHub API rate limit; docs'],
    ['user', 'What does "rate limit" mean? I hit a rate limit today'],
    ['user', 'why does it say not login'],
  ])('FINDINGS A1: what a %s says ("%s") leaves the account as it is', async (role, content) => {
    await start(withoutTokens)
    const extraEvents = [{ message_id: 'U', message: { id: 'U', role, content }, type: 'message_result' }]
    stack.emulator.answerWith({ ...good, extraEvents } as Scenario)
    expect(await ask()).toBe('fine')
    expect(await states()).toMatchObject({ usable: 1, cooling: [], signed_out: [] })
  })
})

describe('what fails for one account alone', () => {
  it('FINDINGS A2: passes over two accounts whose proxies are dead, and rests them', async () => {
    await start({
      ...withoutTokens,
      GS_COOKIE: 'session_id=alice@http://127.0.0.1:9,session_id=bob@http://127.0.0.1:9,session_id=carol',
    })
    stack.emulator.answerWith(good)
    for (let round = 0; round < 20; round += 1) expect(await ask()).toBe('fine')
    expect((await states()).usable).toBe(1)
  })

  it('FINDINGS A2: passes over an account that gets no token, and rests it', async () => {
    stack = await startStack({
      env: {
        GENSPARK_PROTOCOL: 'agent',
        GS_COOKIE: 'session_id=dead@http://127.0.0.1:9,session_id=alice',
        // Else the one whose page opens serves alone as long as it can.
        ACCOUNT_SELECTION: 'round-robin',
      },
    })
    stack.emulator.answerWith(good)
    for (let round = 0; round < 12; round += 1) expect(await ask()).toBe('fine')
    expect((await states()).usable).toBe(1)
  })

  it('FINDINGS A2: passes over an account that is challenged on a proxy of its own', async () => {
    const proxy = await startHttpProxy()
    await start({ ...withoutTokens, GS_COOKIE: `session_id=alice@${proxy.url},session_id=bob` })
    stack.emulator.answerWith(({ sessionId }) =>
      sessionId === 'alice' ? { type: 'failure', failure: 'F6' } : good,
    )
    for (let round = 0; round < 10; round += 1) expect(await ask()).toBe('fine')
    await proxy.close()
  })

  it.each([408, 402, 451, 431])('FINDINGS X10: passes over an account that gets %i', async (status) => {
    await start(twoAccounts)
    const odd: Scenario = {
      type: 'raw',
      respond: (response) => void response.writeHead(status).end(),
    }
    stack.emulator.answerWith(({ sessionId }) => (sessionId === 'alice' ? odd : good))
    for (let round = 0; round < 8; round += 1) expect(await ask()).toBe('fine')
  })

  it('FINDINGS A11: a moment of "not login" of an account that is signed in costs nothing', async () => {
    await start(withoutTokens)
    let asks = 0
    stack.emulator.answerWith(() => {
      asks += 1
      return asks === 1 ? { type: 'failure', failure: 'A1' } : good
    })
    expect(await ask()).toBe('fine')
    expect(await states()).toMatchObject({ usable: 1, signed_out: [] })
  })
})

describe('what an account is used for', () => {
  it('FINDINGS A3: a limit of pictures leaves the account to chats', async () => {
    await start({ ...withoutTokens, ADMIN_SECRET: 'adm-operator' })
    const draw = () => stack.openai.images.generate({ model: 'gpt-image-2', prompt: 'A red ball' })
    const resetAt = Math.floor(Date.now() / 1000) + 4 * 3600
    stack.emulator.answerWith({ type: 'failure', failure: 'A11', resetAt })
    await expect(draw()).rejects.toMatchObject({ status: 429 })
    await expect(draw()).rejects.toMatchObject({ status: 429, code: 'all_accounts_cooling' })
    expect(stack.emulator.asks).toHaveLength(1)
    const until = new Date(resetAt * 1000).toISOString()
    const shown = { kind: 'quota-spent', until }
    expect(await states()).toMatchObject({
      ...{ usable: 1, cooling: [] },
      cooling_uses: [{ account: expect.stringMatching(/^acc_/), use: 'image', ...shown }],
    })
    const headers = { authorization: 'Bearer adm-operator' }
    const accounts = await (await fetch(`${stack.url}/admin/accounts`, { headers })).json()
    expect(accounts).toMatchObject({ data: [{ state: 'usable', cooling_for: { image: shown } }] })
    stack.emulator.answerWith(good)
    expect(await ask()).toBe('fine')
  })
})

describe('what fails for all', () => {
  it('FINDINGS X2: an outage puts nobody away and ends when it ends', async () => {
    await start(twoAccounts)
    stack.emulator.answerWith({ type: 'raw', respond: (response) => void response.writeHead(503).end() })
    for (let round = 0; round < 5; round += 1) expect(await codeOf()).toBe('upstream_unavailable')
    expect(await states()).toMatchObject({ usable: 2, cooling: [] })
    stack.emulator.answerWith(good)
    expect(await ask()).toBe('fine')
  })

  it('FINDINGS X2, F16: after 310 s of it the first request is answered, and each during it was told the truth', async () => {
    let nowMs = Date.now()
    await start(twoAccounts, { clock: { now: () => nowMs } })
    stack.emulator.answerWith({ type: 'raw', respond: (response) => void response.writeHead(503).end() })
    for (let second = 0; second < 310; second += 10) {
      expect(await codeOf()).toBe('upstream_unavailable')
      nowMs += 10_000
    }
    expect(await states()).toMatchObject({ usable: 2, cooling: [] })
    stack.emulator.answerWith(good)
    expect(await ask()).toBe('fine')
  })

  it('FINDINGS X15: a rate limit without a wait is told as one', async () => {
    await start(twoAccounts)
    stack.emulator.answerWith({ type: 'failure', failure: 'A7', headers: { 'retry-after': '0' } })
    expect(await codeOf()).toBe('all_accounts_cooling')
  })
})

describe('who answered', () => {
  const other: Scenario = { ...good, servedModel: 'claude-4-5-haiku' } as Scenario
  const mismatches = async () =>
    (await stack.metrics.servedModelMismatches.get()).values.reduce((sum, { value }) => sum + value, 0)
  const lineOf = () => stack.logs.findLast(({ msg, attempts }) => msg === 'request' && attempts)
  const post = (stream: boolean) =>
    fetch(`${stack.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, stream }),
    })

  it('FINDINGS U2: another model is told in header, record, log and metric', async () => {
    await start(withoutTokens)
    stack.emulator.answerWith(other)
    const response = await post(false)
    expect(response.status).toBe(200)
    expect(response.headers.get('x-genspark-served-model')).toBe('claude-4-5-haiku')
    expect(response.headers.get('x-genspark-account')).toBeNull()
    await response.text()
    expect(await mismatches()).toBe(1)
    await expect.poll(lineOf).toMatchObject({
      model: 'gpt-5.4',
      catalogued: 'gpt-5.4',
      served: 'claude-4-5-haiku',
      mismatch: true,
      account: expect.stringMatching(/^acc_[0-9a-f]{8}$/),
      attempts: [{ outcome: 'begun' }],
    })
  })

  it('FINDINGS U2: the model that was asked for is no mismatch', async () => {
    await start({ ...withoutTokens, DEBUG_HEADERS: '1' })
    stack.emulator.answerWith(good)
    for (const stream of [false, true]) {
      const response = await post(stream)
      expect(response.headers.get('x-genspark-account')).toMatch(/^acc_/)
      expect(response.headers.get('x-genspark-attempts')).toBe('1')
      await response.text()
    }
    expect(await mismatches()).toBe(0)
  })

  it('tells the operator’s key who answered, whatever DEBUG_HEADERS says, and clients not', async () => {
    await start({ ...withoutTokens, API_SECRET: 'sk-client', ADMIN_SECRET: 'adm-operator' })
    stack.emulator.answerWith(good)
    for (const stream of [false, true]) {
      for (const [key, told] of [
        ['adm-operator', /^acc_/],
        ['sk-client', /^none$/],
      ] as const) {
        const response = await fetch(`${stack.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
          body: JSON.stringify({ ...body, stream }),
        })
        expect(response.headers.get('x-genspark-account') ?? 'none').toMatch(told)
        await response.text()
      }
    }
  })

  it('FINDINGS U2: another model fails where that is wanted', async () => {
    await start({ ...withoutTokens, SERVED_MODEL_MISMATCH: 'fail' })
    stack.emulator.answerWith(other)
    const whole = await post(false)
    expect(whole.status).toBe(502)
    expect(await whole.json()).toMatchObject({ error: { code: 'model_mismatch', type: 'server_error' } })
    const text = await (await post(true)).text()
    expect(text).toContain('"model_mismatch"')
    expect(text).not.toContain('[DONE]')
    expect(await states()).toMatchObject({ usable: 1 })
  })

  it('records each request whole', async () => {
    await start(withoutTokens)
    stack.emulator.answerWith(good)
    const parts = [
      { type: 'text', text: 'Hello' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } },
    ]
    const response = await fetch(`${stack.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'OpenAI/JS 6.0.0' },
      body: JSON.stringify({ ...body, messages: [{ role: 'user', content: parts }], stream: true }),
    })
    await response.text()
    await expect.poll(lineOf).toMatchObject({
      ...{ dialect: 'openai-chat', client: 'OpenAI', stream: true, finish: 'stop' },
      ...{ charactersIn: 5, attachments: 1, charactersOut: 4, tokensBy: 'estimated' },
      ...{ headersMs: expect.any(Number), firstEventMs: expect.any(Number), lastEventMs: expect.any(Number) },
      conversation: expect.any(String),
    })
    await ask()
    await expect.poll(lineOf).toMatchObject({ tokensBy: 'counted', tokens: { prompt: 1, completion: 1 } })
  })

  it('records pictures and videos', async () => {
    await start(withoutTokens)
    await stack.openai.images.generate({ model: 'gpt-image-2', prompt: 'A red ball', n: 2 })
    await expect.poll(lineOf).toMatchObject({
      ...{ dialect: 'openai-images', model: 'gpt-image-2', catalogued: 'gpt-image-2' },
      ...{ charactersIn: 10, attachments: 0, media: { kind: 'image', wanted: 2, made: 2, failed: 0 } },
    })
  })

  it('records what went wrong before', async () => {
    await start(twoAccounts)
    let asks = 0
    stack.emulator.answerWith(() => {
      asks += 1
      return asks === 1 ? { type: 'failure', failure: 'F1' } : good
    })
    expect(await ask()).toBe('fine')
    await expect.poll(lineOf).toMatchObject({
      attempts: [
        { outcome: 'rate-limited', move: 'switch', said: 'Rate limit exceeded cf1' },
        { outcome: 'begun' },
      ],
    })
  })
})
