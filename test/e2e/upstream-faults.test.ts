import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FailureId, repeated, type Scenario } from '../emulator/scenario.ts'
import { readEvents } from '../support/read-events.ts'
import { trustSelfSigned } from '../support/self-signed.ts'
import { readyz, type Stack, startStack } from '../support/stack.ts'

const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }
const good: Scenario = { type: 'answer', text: 'from the other account' }

/** The accounts of one file are asked in turn, so that "the first" is whichever is asked next. */
const firstAskOnly = (fault: Scenario, rest: Scenario = good) => {
  let first = true
  return () => {
    if (!first) return rest
    first = false
    return fault
  }
}

describe.each([
  ['copilot', 'auto'],
  ['agent', 'auto'],
  ['copilot', 'browser'],
  ['agent', 'browser'],
] as const)('faults of the site over %s, GENSPARK_TRANSPORT=%s', (protocol, transport) => {
  let stack: Stack
  beforeAll(async () => {
    trustSelfSigned()
    stack = await startStack({
      // Only the page is let through.
      ...(transport === 'browser' && { emulator: { tls: true, challenge: 'clients' } }),
      env: {
        GENSPARK_PROTOCOL: protocol,
        GENSPARK_TRANSPORT: transport,
        GS_COOKIE: 'session_id=alice,session_id=bob,session_id=carol',
        AUTO_MODEL_CHAT_MAP_TYPE: '0',
        TOTAL_TIMEOUT_S: '3',
        // 10 MB take longer through the page.
        IDLE_TIMEOUT_S: transport === 'browser' ? '2' : '1',
      },
    })
  })
  afterEach(async () => {
    stack.emulator.answerWith(undefined)
    await stack.expectNothingLeft()
    expect((await readyz(stack.url)).accounts).toMatchObject({ signed_out: [], cooling: [] })
  })
  afterAll(() => stack.stop())

  it.each(['nothing', 'headers'] as const)(
    'F2: switches when the connection is reset after %s',
    async (after) => {
      stack.emulator.answerWith(firstAskOnly({ type: 'answer', cut: { after, how: 'reset' } }))
      expect(await ask(stack)).toBe('from the other account')
      stack.emulator.answerWith(firstAskOnly({ type: 'answer', cut: { after, how: 'reset' } }))
      expect(await askStream(stack)).toBe('from the other account')
    },
  )

  it.each(['reset', 'hang-up', 'clean-end'] as const)(
    'F3, F4: a %s after the first token is an in-band error, never a whole answer',
    async (how) => {
      stack.emulator.answerWith({
        type: 'answer',
        chunks: ['Half ', 'an ', 'answer'],
        // What was not read yet when a reset comes is lost: the browser takes its time.
        cut: { after: 'first-token', how, ...(transport === 'browser' && { delayMs: 1_000 }) },
      })
      const asksBefore = stack.emulator.asks.length
      const { status, events, done } = await postStream(stack)
      expect(status).toBe(200)
      expect(done).toBe(false)
      expect(events.at(-1)).toMatchObject({ error: { code: 'upstream_reset', type: 'server_error' } })
      expect(events.some((event) => event.choices?.[0]?.finish_reason)).toBe(false)
      expect(stack.emulator.asks.length).toBe(asksBefore + 1)

      await expect(askStream(stack)).rejects.toThrow()
      const whole = stack.openai.chat.completions.create(body)
      await expect(whole).rejects.toMatchObject({ status: 502, code: 'upstream_reset' })
    },
  )

  it('F4: switches when a stream ends cleanly without any text', async () => {
    stack.emulator.answerWith(firstAskOnly({ type: 'failure', failure: 'F10' }))
    expect(await ask(stack)).toBe('from the other account')
  })

  it('F4: answers 502 upstream_empty when every account gives an empty stream', async () => {
    stack.emulator.answerWith({ type: 'failure', failure: 'F10' })
    await expect(ask(stack)).rejects.toMatchObject({ status: 502, code: 'upstream_empty' })
  })

  it('F5: keeps every byte of an answer that is cut inside its characters', async () => {
    const text = 'Grüße, 世界 🌍👩‍👩‍👧 – ça va?'
    for (const split of ['every-byte', 'joined'] as const) {
      stack.emulator.answerWith({ type: 'answer', text, split })
      expect(await askStream(stack)).toBe(text)
    }
  })

  it('F7: an event of 10 MB is refused with upstream_event_too_large', async () => {
    const scenario: Scenario = { type: 'answer', chunks: ['x'.repeat(10 * 1024 * 1024)], closing: 'empty' }
    stack.emulator.answerWith(scenario)
    await expect(ask(stack)).rejects.toMatchObject({ status: 502, code: 'upstream_event_too_large' })
    stack.emulator.answerWith({ ...scenario, chunks: ['Begin ', 'x'.repeat(10 * 1024 * 1024)] })
    const { events, done } = await postStream(stack)
    expect(done).toBe(false)
    expect(events.at(-1)).toMatchObject({ error: { code: 'upstream_event_too_large' } })
  })

  it('F8: an endless answer ends at the total cap with finish_reason length', async () => {
    stack.emulator.answerWith({
      type: 'answer',
      chunks: repeated('word ', Number.POSITIVE_INFINITY),
      chunkDelayMs: 20,
    })
    const { events, done } = await postStream(stack)
    expect(events.findLast((event) => event.choices?.[0])?.choices?.[0]?.finish_reason).toBe('length')
    expect(done).toBe(true)
  })

  it('F8: a stream of keepalives alone ends at a cap with an error', async () => {
    stack.emulator.answerWith({ type: 'answer', keepalives: Number.POSITIVE_INFINITY, keepaliveDelayMs: 20 })
    await expect(ask(stack)).rejects.toMatchObject({ status: 504 })
  })

  it.each([
    ['F6', 200],
    ['F6', 403],
    ['A3', 403],
    ['F7', 403],
  ] as const)(
    'F10: a challenge page (%s with %i) is asked once more, through the page, then 502 upstream_challenge',
    async (failure, status) => {
      stack.emulator.answerWith({ type: 'failure', failure, status })
      const asksBefore = stack.emulator.asks.length
      const error = await ask(stack).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ status: 502, code: 'upstream_challenge' })
      expect(String((error as Error).message)).toContain('Detected Cloudflare Challenge Page')
      expect(String((error as Error).message)).not.toContain('<')
      expect(stack.emulator.asks.length).toBe(asksBefore + 2)
    },
  )

  it('F10: the service page is 503 upstream_unavailable', async () => {
    stack.emulator.answerWith({ type: 'failure', failure: 'F8' })
    const error = await ask(stack).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ status: 503, code: 'upstream_unavailable' })
    expect(String((error as Error).message)).toContain('Genspark Service Unavailable')
  })

  it.each([
    'Rate limit exceeded cf1',
    'not login',
    '{"status":-5,"message":"not login","data":{}}',
    'You have hit the 5-hour limit, type: ACTION_QUOTA_EXCEEDED',
    '<!DOCTYPE html><html><title>Just a moment...</title></html>',
    'data: [DONE]\n\ndata: {"type": "message_result"}',
  ])('F13: an answer that says %j is delivered unchanged', async (text) => {
    for (const carrier of ['deltas', 'full-value'] as const) {
      stack.emulator.answerWith({ type: 'answer', text, carrier })
      expect(await ask(stack)).toBe(text)
      expect(await askStream(stack)).toBe(text)
    }
  })

  it('F15: ignores unknown events and fields and counts them', async () => {
    const before = await unknownEvents(stack)
    stack.emulator.answerWith({
      type: 'answer',
      text: 'still here',
      extraEvents: [{ type: 'brand_new_event', payload: { deep: [1, 2] } }],
      extraFields: { surprise: { a: 1 } },
    })
    expect(await ask(stack)).toBe('still here')
    expect(await unknownEvents(stack)).toBeGreaterThan(before)
  })
})

describe.each(['copilot', 'agent'] as const)('verdicts on an account over %s', (protocol) => {
  let stack: Stack
  afterEach(async () => {
    await stack.expectNothingLeft()
    await stack.stop()
  })

  const start = async () => {
    stack = await startStack({
      env: {
        GENSPARK_PROTOCOL: protocol,
        GS_COOKIE: 'session_id=alice,session_id=bob',
        RECAPTCHA_MODE: 'off',
      },
      emulator: { tokenCheck: 'off' },
    })
  }

  it.each([
    ['429 with Retry-After', { failure: 'A7', headers: { 'retry-after': '45' } }, 45],
    ['429 without', { failure: 'A7' }, 30],
    ['500', { failure: 'F3', status: 500 }, 30],
    ['503', { failure: 'F3', status: 503, headers: { 'retry-after': '12' } }, 12],
  ] as const)('F11: cools the account down on %s and switches', async (_name, failure, seconds) => {
    await start()
    stack.emulator.answerWith(firstAskOnly({ type: 'failure', ...failure }))
    expect(await ask(stack)).toBe('from the other account')
    const [cooling] = (await readyz(stack.url)).accounts.cooling
    const left = (Date.parse(cooling?.until ?? '') - Date.now()) / 1000
    expect(left).toBeGreaterThan(seconds - 10)
    expect(left).toBeLessThanOrEqual(seconds)
  })

  const verdicts: [string, FailureId, 'signed_out' | 'cooling' | 'none'][] = [
    ['not login', 'F2', 'signed_out'],
    ['quota', 'F5', 'cooling'],
    ['overloaded', 'F4', 'none'],
    ['rate limit', 'F1', 'cooling'],
  ]
  const forms = [
    { as: 'event' },
    { as: 'json' },
    { as: 'text' },
    { as: 'event', spacing: 'compact', shuffleKeys: true, extraFields: { trace_id: 'x' } },
    { as: 'json', spacing: 'compact', shuffleKeys: true, extraFields: { trace_id: 'x' } },
  ] as const
  it.each(
    verdicts.flatMap(([name, failure, state]) => forms.map((form) => ({ name, failure, state, form }))),
  )('F12: recognises $name as $form', async ({ failure, state, form }) => {
    await start()
    const script = firstAskOnly({ type: 'failure', failure, ...form })
    // The site is asked before an account counts as signed out.
    stack.emulator.answerWith(({ sessionId }) => {
      const scenario = script()
      if (state === 'signed_out' && scenario !== good && sessionId) stack.emulator.signOut(sessionId)
      return scenario
    })
    expect(await ask(stack)).toBe('from the other account')
    const { accounts } = await readyz(stack.url)
    expect(accounts.signed_out.length).toBe(state === 'signed_out' ? 1 : 0)
    expect(accounts.cooling.length).toBe(state === 'cooling' ? 1 : 0)
  })
})

async function ask({ openai }: Stack): Promise<string | null | undefined> {
  return (await openai.chat.completions.create(body)).choices[0]?.message.content
}

async function askStream({ openai }: Stack): Promise<string> {
  let text = ''
  for await (const chunk of await openai.chat.completions.create({ ...body, stream: true }))
    text += chunk.choices[0]?.delta.content ?? ''
  return text
}

async function postStream({ url }: Stack) {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true }),
  })
  return { status: response.status, ...(await readEvents(response)) }
}

const unknownEvents = async ({ metrics }: Stack): Promise<number> =>
  (await metrics.unknownEvents.get()).values.reduce((sum, { value }) => sum + value, 0)
