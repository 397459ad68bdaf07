import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Emulator, type EmulatorOptions, startEmulator } from './emulator.ts'
import { agentBody, askAgent, askCopilot, askHeaders, copilotBody, rawRequest } from './raw-request.ts'
import { agentSiteKey, copilotSiteKey } from './recaptcha/token-ledger.ts'

let emulator: Emulator
async function restart(options: EmulatorOptions) {
  await emulator.close()
  emulator = await startEmulator(options)
}
beforeEach(async () => {
  emulator = await startEmulator()
})
afterEach(() => emulator.close())

/** Mints as the page of that cookie would. */
async function mint(cookie: string, siteKey: string, action: string): Promise<string> {
  const reply = await rawRequest(`${emulator.url}/recaptcha/mint`, {
    body: { siteKey, action },
    headers: { Cookie: cookie },
  })
  return JSON.parse(reply.body.toString()).token
}

const textOf = async (reply: ReturnType<typeof askAgent>): Promise<string> => (await reply).body.toString()

const user = (content: unknown) => ({ role: 'user', content })

describe('token check', () => {
  test('with a good token the model asked for answers', async () => {
    const token = await mint('session_id=alice', agentSiteKey, 'submit')
    const text = await textOf(askAgent(emulator.url, { ...agentBody, g_recaptcha_token: token }))
    expect(text).toMatch(
      /"content": "\[canned answer of the emulator\] model claude-4-5-haiku \| token accepted: action submit, \d+ ms old \| you said: Hello"/,
    )
    expect(emulator.asks[0]?.token).toMatchObject({ given: true, verdict: 'accepted', action: 'submit' })
  })

  test('without one a weaker model answers and says so', async () => {
    const text = await textOf(askAgent(emulator.url, { ...agentBody, ai_chat_model: 'claude-opus-5' }))
    expect(text).toContain('weaker model | token missing | you said: Hello')
    expect(text).toContain('"_llm_model": "claude-4-5-haiku"')
    expect(emulator.violations).toEqual([])
  })

  test('a token serves once, its own cookies and its own generation', async () => {
    const ask = async (g_recaptcha_token: string, cookie = 'session_id=alice') => {
      await askCopilot(emulator.url, { ...copilotBody, g_recaptcha_token }, { Cookie: cookie })
      return emulator.asks.at(-1)?.token.verdict
    }
    const token = await mint('session_id=alice', copilotSiteKey, 'copilot')
    expect(await ask(token)).toBe('accepted')
    expect(await ask(token)).toBe('used')
    expect(await ask(await mint('session_id=bob', copilotSiteKey, 'copilot'))).toBe('wrong-cookies')
    expect(await ask(await mint('session_id=alice', agentSiteKey, 'submit'))).toBe('wrong-action')
    expect(await ask('03AFinvented')).toBe('unknown')
  })

  test('switched off, the model asked for answers without one', async () => {
    await restart({ tokenCheck: 'off' })
    expect(await textOf(askCopilot(emulator.url))).toContain(
      'model gpt-4o | token not checked | you said: Hello',
    )
  })
})

describe('requests that the site does not know', () => {
  test.each([
    ['no User-Agent', { 'User-Agent': '' }],
    ['a User-Agent that is not a browser’s', { 'User-Agent': 'got (https://example.com)' }],
    ['no session_id cookie', { Cookie: 'c1=abc' }],
    ['Origin https://example.com', { Origin: 'https://example.com' }],
    ['X-Timezone Middle/Earth', { 'X-Timezone': 'Middle/Earth' }],
  ])('%s is answered with `bad request cf`', async (words, headers) => {
    const { status, body } = await askAgent(emulator.url, agentBody, headers)
    expect([status, body.toString()]).toEqual([400, 'bad request cf'])
    expect(emulator.violations).toEqual([`POST /api/agent/ask_proxy: ${words}`])
    expect(emulator.asks).toEqual([])
  })

  test.each([
    ['another Content-Type', { 'Content-Type': 'text/plain' }, 'Content-Type text/plain'],
    ['another Accept', { Accept: 'text/html' }, 'Accept text/html'],
  ])('%s is refused', async (_name, headers, words) => {
    expect((await askAgent(emulator.url, agentBody, headers)).status).toBe(400)
    expect(emulator.violations).toEqual([`POST /api/agent/ask_proxy: ${words}`])
  })

  test.each([
    ['an unknown field', { temperature: 1 }, 'temperature'],
    ['an empty message list', { messages: [] }, 'messages'],
    [
      'a field of the message that the page does not write',
      { messages: [{ ...user('a'), name: 'x' }] },
      'name',
    ],
    ['a number for a query string', { current_query_string: 1 }, 'current_query_string'],
    ['another query string', { current_query_string: 'type=chat&id=1' }, 'current_query_string'],
    ['an empty token', { g_recaptcha_token: '' }, 'g_recaptcha_token'],
    [
      'a remote image',
      { messages: [user([{ type: 'image_url', image_url: { url: 'https://a/b.jpg' } }])] },
      'url',
    ],
    ['an unknown role', { messages: [{ role: 'tool', content: '' }] }, 'role'],
  ])('gen 1: %s is refused', async (_name, change, named) => {
    expect((await askCopilot(emulator.url, { ...copilotBody, ...change })).status).toBe(400)
    expect(emulator.violations).toHaveLength(1)
    expect(emulator.violations[0]).toContain(named)
  })

  test.each([
    ['an unknown field', { extra_data: {} }, 'extra_data'],
    ['a missing field', { is_private: undefined }, 'is_private'],
    ['a project id that is none', { project_id: 'abc' }, 'project_id'],
    ['a mixture without models', { use_moa_proxy: true }, 'moa_models'],
    ['other messages in session_state', { session_state: { steps: [], messages: [] } }, 'session_state'],
    ['a client message id of no message', { client_message_id: crypto.randomUUID() }, 'client_message_id'],
  ])('gen 2: %s is refused', async (_name, change, named) => {
    expect((await askAgent(emulator.url, { ...agentBody, ...change })).status).toBe(400)
    expect(emulator.violations[0]).toContain(named)
  })

  test.each([
    ['role tool', { role: 'tool', content: 'x', tool_call_id: 'a' }],
    ['tool_calls', { role: 'assistant', content: '', tool_calls: [] }],
  ])('gen 2: %s is answered with 422', async (_name, message) => {
    const body = { ...agentBody, messages: [user('a'), message] }
    expect((await askAgent(emulator.url, body)).status).toBe(422)
    expect(emulator.violations).toHaveLength(1)
  })

  test('unknown paths and methods are violations', async () => {
    expect((await rawRequest(`${emulator.url}/api/nothing`)).status).toBe(404)
    expect((await rawRequest(`${emulator.url}/api/agent/ask_proxy`)).status).toBe(405)
    expect(emulator.violations).toEqual([
      'GET /api/nothing: an unknown path',
      'GET /api/agent/ask_proxy: an ask is a POST',
    ])
  })
})

describe('requests that the site knows', () => {
  test('gen 1 takes everything of WIRE 4.2 and 4.5', async () => {
    const body = {
      ...copilotBody,
      user_s_input: 'Hello',
      g_recaptcha_token: '03AF',
      messages: [
        { role: 'system', content: 'Be short.' },
        {
          role: 'assistant',
          content: 'Hi',
          is_prompt: false,
          session_state: { models: ['gpt-4o'], layers: 0, answer: '', answer_is_finished: false },
        },
        user([
          { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,AAAA' } },
          { type: 'text', text: 'What is it?' },
        ]),
      ],
    }
    expect((await askCopilot(emulator.url, body, { Accept: 'application/json' })).status).toBe(200)
    expect(emulator.violations).toEqual([])
    expect(emulator.asks[0]).toMatchObject({
      prompt: 'What is it?',
      models: ['gpt-4o'],
      sessionId: 'alice',
      body,
    })
  })

  test('gen 2 takes the whole body of the page (WIRE 5.1, 5.2)', async () => {
    const id = crypto.randomUUID()
    const part = {
      private_file: null,
      file: null,
      input_audio: null,
      hide_in_ui: false,
      render_template: null,
      render_data: null,
    }
    const image = {
      url: 'data:image/png;base64,AAAA',
      image_id: null,
      public_url: null,
      mime_type: 'image/png',
      detail: null,
      size_bytes: 3,
    }
    const messages = [
      {
        ...user([
          { type: 'text', text: 'Hello', image_url: null, ...part },
          { type: 'image_url', text: null, image_url: image, ...part },
        ]),
        id,
        thinking: false,
        pending: true,
        sendStatus: 'sending',
        _deepDiveStateNegContent: 'Hello',
      },
    ]
    const body = {
      ...agentBody,
      project_id: null,
      messages,
      user_s_input: 'Hello',
      client_message_id: id,
      g_recaptcha_token: '',
      push_token: '',
      session_state: { steps: [], messages },
      last_seen_event_index: -1,
      chat_session_id: null,
    }
    const headers = {
      Referer: 'https://www.genspark.ai/agents?type=ai_chat',
      'X-Timezone': 'Europe/Berlin',
      'request-id': `|${'a'.repeat(32)}.${'b'.repeat(16)}`,
    }
    expect((await askAgent(emulator.url, body, headers)).status).toBe(200)
    expect(emulator.violations).toEqual([])
  })
})

describe('projects', () => {
  const projectOf = (stream: string): string =>
    JSON.parse(stream.split('\n\n')[0]?.slice('data: '.length) ?? '').id

  test.each([
    [
      'gen 1',
      askCopilot,
      (id: string) => ({ ...copilotBody, current_query_string: `id=${id}&type=COPILOT_MOA_CHAT` }),
    ],
    ['gen 2', askAgent, (id: string) => ({ ...agentBody, project_id: id, last_seen_event_index: 5 })],
  ] as const)('%s: an account continues its own projects only', async (_name, ask, continuing) => {
    const id = projectOf(await textOf(ask(emulator.url)))
    expect(emulator.projects.get(id)?.sessionId).toBe('alice')
    expect(projectOf(await textOf(ask(emulator.url, continuing(id))))).toBe(id)
    expect(emulator.asks[1]?.projectId).toBe(id)

    const foreign = await ask(emulator.url, continuing(id), { Cookie: 'session_id=bob' })
    expect(foreign.status).toBe(200)
    expect(foreign.body.toString()).not.toContain('content')

    const deleted = await rawRequest(`${emulator.url}/api/project/delete?project_id=${id}`, {
      headers: askHeaders,
    })
    expect(deleted.status).toBe(200)
    expect((await ask(emulator.url, continuing(id))).status).toBe(500)
    emulator.projectRefusal.unknown = 'empty'
    expect((await ask(emulator.url, continuing(id))).status).toBe(200)
    expect(emulator.violations).toEqual([])
  })

  test('a gen-2 thread that is sent its history again gets an empty answer', async () => {
    const id = projectOf(await textOf(askAgent(emulator.url)))
    const messages = [user('Hello'), { role: 'assistant', content: 'Hi' }, user('And now?')]
    const body = { ...agentBody, project_id: id, messages }
    expect(await textOf(askAgent(emulator.url, body))).not.toContain('And now?')
    emulator.projectRefusal.resentHistory = 'accept'
    expect(await textOf(askAgent(emulator.url, body))).toContain('And now?')
  })

  test('a gen-1 project that changes its model gets a weaker one', async () => {
    await restart({ tokenCheck: 'off' })
    const id = projectOf(await textOf(askCopilot(emulator.url)))
    const body = {
      ...copilotBody,
      current_query_string: `id=${id}&type=COPILOT_MOA_CHAT`,
      extra_data: { ...copilotBody.extra_data, models: ['o3'] },
    }
    expect(await textOf(askCopilot(emulator.url, body))).toContain('weaker model | another model than')
  })
})

describe('accounts', () => {
  const get = async (path: string) =>
    JSON.parse((await rawRequest(`${emulator.url}${path}`, { headers: askHeaders })).body.toString())

  test('a signed-out session is told so on every route, and signs in again', async () => {
    emulator.signOut('alice')
    expect(await textOf(askCopilot(emulator.url))).toBe('{"status":-5,"message":"not login","data":{}}')
    expect((await askAgent(emulator.url)).status).toBe(401)
    expect((await get('/api/is_login')).data.is_login).toBe(false)
    expect(await get('/api/user')).toEqual({ status: -5, message: 'user not found' })
    emulator.signIn('alice')
    expect((await get('/api/is_login')).data.is_login).toBe(true)
    expect((await get('/api/user')).status).toBe(0)
    expect(await textOf(askCopilot(emulator.url))).toContain('Hello')
  })

  test('the model lists are public', async () => {
    const text = await rawRequest(`${emulator.url}/api/moa_models_config`)
    expect(JSON.parse(text.body.toString()).models[0]).toMatchObject({ name: 'claude-opus-5', hidden: false })
    const images = await rawRequest(`${emulator.url}/api/models_config`)
    expect(JSON.parse(images.body.toString()).data.image_models[0]).toEqual({ name: 'gpt-image-2' })
    expect(emulator.violations).toEqual([])
  })

  test('more open asks than allowed get 429 without Retry-After', async () => {
    await restart({ maxOpenAsks: 2, tokenCheck: 'off' })
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    async function* held() {
      await released
      yield 'late'
    }
    emulator.answerWith(() => ({ type: 'answer', chunks: held() }))
    const open = [askAgent(emulator.url), askAgent(emulator.url)]
    await emulator.until(() => emulator.openAsks() === 2)
    const third = await askAgent(emulator.url)
    expect([third.status, third.headers['retry-after']]).toEqual([429, undefined])
    release()
    expect((await Promise.all(open)).map(({ status }) => status)).toEqual([200, 200])
  })
})

describe('routes', () => {
  test('a route that is switched off is gone', async () => {
    await restart({ routes: { agent: false } })
    expect((await askAgent(emulator.url)).status).toBe(404)
    expect((await askCopilot(emulator.url)).status).toBe(200)
    emulator.routes.copilot = false
    emulator.routes.goneStatus = 410
    expect((await askCopilot(emulator.url)).status).toBe(410)
    expect(emulator.violations).toEqual([])
  })
})

describe('life', () => {
  test('close ends answers that are open', async () => {
    emulator.answerWith({ type: 'answer', keepalives: Number.POSITIVE_INFINITY, keepaliveDelayMs: 5 })
    const open = askAgent(emulator.url)
    await emulator.until(() => (emulator.asks[0]?.bytesSent ?? 0) > 0)
    await emulator.close()
    expect((await open).error).toMatchObject({ code: 'ECONNRESET' })
    expect(emulator.openAsks()).toBe(0)
  })

  test('until gives up after its time', async () => {
    await expect(emulator.until(() => false, 1)).rejects.toThrow('not so within 1 ms')
  })

  test('a script answers each ask by itself, and may write by hand', async () => {
    emulator.answerWith((ask) => ({
      type: 'raw',
      respond: (response) => void response.end(`ask ${ask.index} for ${ask.model}`),
    }))
    expect(await textOf(askCopilot(emulator.url))).toBe('ask 0 for gpt-4o')
    expect(await textOf(askAgent(emulator.url))).toBe('ask 1 for claude-4-5-haiku')
  })
})
