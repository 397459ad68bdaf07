import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { AskRecord } from '../emulator/ask-record.ts'
import type { Scenario } from '../emulator/scenario.ts'
import { type Stack, startStack } from '../support/stack.ts'

const model = 'claude-sonnet-5'
const parameters = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }
const read = { name: 'read', strict: true }
const messages = [{ role: 'user', content: 'Hi' }]

const requests = {
  '/v1/chat/completions': {
    messages,
    n: 3,
    tools: [{ type: 'function', function: { ...read, parameters } }],
    tool_choice: 'required',
  },
  '/v1/messages': {
    messages,
    max_tokens: 32_000,
    tools: [{ ...read, input_schema: parameters }],
    tool_choice: { type: 'any' },
  },
  '/v1/responses': {
    input: 'Hi',
    tools: [{ type: 'function', ...read, parameters }],
    tool_choice: 'required',
  },
}

/** Ends only when it is left. */
const endless = (word: string, begin = ''): Scenario => {
  const words = async function* () {
    yield begin
    for (;;) yield word
  }
  return { type: 'answer', chunks: words(), chunkDelayMs: 5 }
}

/** The first answer calls with arguments that do not fit. */
function repairing({ messages: asked }: AskRecord): Scenario {
  const isRepair = asked.some(({ role }) => role === 'assistant')
  if (isRepair) return endless('word ')
  return { type: 'answer', text: '<tool_call>{"name":"read","arguments":{"path":1}}</tool_call>' }
}

describe('C2: a client leaves, the upstream is left and the lease is free', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack({
      env: { RECAPTCHA_MODE: 'off', TOKEN_REQUIRED: 'false', GENSPARK_PROTOCOL: 'agent' },
      emulator: { tokenCheck: 'off' },
    })
  })
  afterEach(() => stack.expectNothingLeft())
  afterAll(() => stack.stop())

  const phases = {
    'in the middle of words': { script: () => endless('word '), asks: 1 },
    'in the middle of a call': {
      script: () => endless('words ', '<tool_call>{"name":"read","arguments":{"path":"'),
      asks: 1,
    },
    'while a call is put right': { script: repairing, asks: 2 },
  }
  const cases = Object.entries(requests).flatMap(([path, body]) =>
    Object.entries(phases).flatMap(([phase, { script, asks }]) =>
      [true, false].map((stream) => ({
        path,
        body: { model, stream, ...body },
        phase,
        script,
        asks,
        stream,
      })),
    ),
  )

  it.each(cases)('$path, stream $stream, $phase', async ({ path, body, script, asks }) => {
    const { emulator, url } = stack
    const choices = 'n' in body ? body.n : 1
    const askedBefore = emulator.asks.length
    emulator.answerWith(script)
    const client = new AbortController()
    const answer = fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: client.signal,
    }).then((response) => response.text())
    const asked = askedBefore + asks * choices
    await emulator.until(() => emulator.asks.length === asked && emulator.openAsks() === choices)
    client.abort()
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' })
    await emulator.until(() => emulator.openAsks() === 0)
    // A choice may be put right before another has asked at all: the asks of the choices come in any order.
    const ended = emulator.asks.slice(askedBefore).map((ask) => ask.ended)
    expect(ended.toSorted()).toEqual([
      ...Array.from({ length: choices }, () => 'client-closed'),
      ...Array.from({ length: (asks - 1) * choices }, () => 'whole'),
    ])
  })

  it('a background response that is cancelled while its call is put right', async () => {
    const { emulator, openai } = stack
    const askedBefore = emulator.asks.length
    emulator.answerWith(repairing)
    const { id } = await openai.responses.create({
      model,
      input: 'Hi',
      background: true,
      tools: [{ type: 'function', ...read, parameters }],
    })
    await emulator.until(() => emulator.asks.length === askedBefore + 2 && emulator.openAsks() === 1)
    expect((await openai.responses.cancel(id)).status).toBe('cancelled')
    await emulator.until(() => emulator.openAsks() === 0)
  })
})
