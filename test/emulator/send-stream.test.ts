import { once } from 'node:events'
import { type ClientRequest, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from './emulator.ts'
import { normalised } from './normalise-stream.ts'
import { agentBody, askAgent, askCopilot, askHeaders } from './raw-request.ts'
import { type AnswerScenario, type Cut, repeated } from './scenario.ts'

let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterAll(() => emulator.close())

const answer = (scenario: Omit<AnswerScenario, 'type'>) =>
  emulator.answerWith({ type: 'answer', chunks: ['Grüße ', '🦊'], ...scenario })

const lastAsk = () => emulator.asks.at(-1)

describe('splits', () => {
  test('each event is a chunk of its own', async () => {
    answer({})
    const { chunks } = await askCopilot(emulator.url)
    expect(chunks.map((chunk) => chunk.toString().split('\n\n').length - 1)).toEqual(Array(9).fill(1))
  })

  test('all events come in one chunk', async () => {
    answer({ split: 'joined' })
    expect((await askCopilot(emulator.url)).chunks).toHaveLength(1)
  })

  test('F5: every byte comes alone, and the bytes are the same', async () => {
    answer({})
    const whole = await askCopilot(emulator.url)
    answer({ split: 'every-byte' })
    const { body, chunks } = await askCopilot(emulator.url)
    expect(chunks).toHaveLength(whole.body.length)
    expect(normalised(body.toString())).toBe(normalised(whole.body.toString()))
  })

  test('the body is cut into chunks at the given positions', async () => {
    answer({ split: [10, 11, 300] })
    const { body, chunks } = await askCopilot(emulator.url)
    expect(chunks.slice(0, 3).map((chunk) => chunk.length)).toEqual([10, 1, 289])
    expect(body.toString().endsWith('"type": "message_result"}\n\n')).toBe(true)
  })
})

describe('cuts', () => {
  test.each(['reset', 'hang-up'] as const)('F2: %s before the first byte', async (how) => {
    answer({ cut: { after: 'nothing', how } })
    await expect(askAgent(emulator.url)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(lastAsk()?.ended).toBe('cut')
  })

  test.each(['reset', 'hang-up'] as const)('F3: %s after the first token', async (how) => {
    answer({ cut: { after: 'first-token', how } })
    const { body, error } = await askAgent(emulator.url)
    expect(body.toString()).toContain('"delta": "Grüße "')
    expect(body.toString()).not.toContain('🦊')
    expect(error).toMatchObject({ code: 'ECONNRESET' })
    expect(lastAsk()?.ended).toBe('cut')
  })

  test('F4: a clean end after the headers leaves an empty body', async () => {
    answer({ cut: { after: 'headers', how: 'clean-end' } })
    const { status, body, error } = await askAgent(emulator.url)
    expect([status, body.length, error]).toEqual([200, 0, undefined])
  })

  test('a cut at any byte gives exactly so many bytes', async () => {
    answer({})
    const whole = await askCopilot(emulator.url)
    expect(lastAsk()).toMatchObject({ ended: 'whole', bytesSent: whole.body.length })
    for (let after = 0; after < whole.body.length; after += 11) {
      answer({ cut: { after, how: 'clean-end', delayMs: 0 } satisfies Cut })
      const { body } = await askCopilot(emulator.url)
      expect(masked(body)).toBe(masked(whole.body.subarray(0, after)))
    }
  })
})

test('F7: one event may hold 10 MB', async () => {
  answer({ chunks: ['x'.repeat(10_000_000)], closing: 'empty' })
  const { body } = await askAgent(emulator.url)
  const longest = Math.max(
    ...body
      .toString()
      .split('\n\n')
      .map((event) => event.length),
  )
  expect(longest).toBeGreaterThan(10_000_000)
})

describe('clients that leave', () => {
  /** An ask whose client does with the response what it wants. */
  function open(): ClientRequest {
    const outgoing = request(`${emulator.url}/api/agent/ask_proxy`, {
      method: 'POST',
      headers: askHeaders,
      agent: false,
    })
    outgoing.on('error', () => {})
    outgoing.end(JSON.stringify(agentBody))
    return outgoing
  }

  async function leaveAfter(bytes: number): Promise<void> {
    const outgoing = open()
    const [response] = await once(outgoing, 'response')
    let seen = 0
    for await (const chunk of response) {
      seen += chunk.length
      if (seen >= bytes) break
    }
  }

  async function expectClosed(): Promise<void> {
    await emulator.until(() => emulator.openAsks() === 0)
    expect(lastAsk()?.ended).toBe('client-closed')
  }

  test('an answer that has not begun is given up', async () => {
    answer({ startDelayMs: 3_600_000 })
    const before = emulator.asks.length
    const outgoing = open()
    await emulator.until(() => emulator.asks.length > before)
    outgoing.destroy()
    await expectClosed()
  })

  test('F8: tokens without end stop when the client leaves', async () => {
    answer({ chunks: repeated('word ', Number.POSITIVE_INFINITY) })
    await leaveAfter(100_000)
    await expectClosed()
  })

  test('F8: keepalives without end stop when the client leaves', async () => {
    answer({ keepalives: Number.POSITIVE_INFINITY, keepaliveDelayMs: 1 })
    await leaveAfter(1000)
    await expectClosed()
  })

  test('C3: an answer of 50 MB is made no faster than it is read', async () => {
    let made = 0
    function* chunks() {
      for (; made < 50_000_000; made += 50_000) yield 'x'.repeat(50_000)
    }
    answer({ chunks: chunks() })
    const outgoing = open()
    await once(outgoing, 'response')
    await emulator.until(() => (lastAsk()?.bytesSent ?? 0) > 50_000)
    await standstill(() => made)
    expect(made).toBeLessThan(25_000_000)
    outgoing.destroy()
    await expectClosed()
  })
})

/** Ids and times differ from ask to ask, so digits do not count. */
const masked = (bytes: Buffer): string => bytes.toString('latin1').replace(/[\da-f]/g, '*')

/** Resolves when the value is the same after a hundred turns of the event loop. */
async function standstill(value: () => number): Promise<void> {
  for (let last = Number.NaN; last !== value(); ) {
    last = value()
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  }
}
