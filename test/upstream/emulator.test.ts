import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { wireGenerations } from '../../src/core/wire-generation.ts'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import type { AnswerScenario, FailureId, FailureScenario } from '../emulator/scenario.ts'
import { failureKinds } from './failure-kinds.ts'
import { account, askWhole, createTestUpstream, kindOf, reasoningOf, textOf } from './support.ts'

let emulator: Emulator
let upstream: ReturnType<typeof createTestUpstream>

beforeAll(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})

beforeEach(() => {
  upstream = createTestUpstream(emulator.url)
})

afterEach(async () => {
  await upstream.close()
  expect(emulator.violations).toEqual([])
})

afterAll(() => emulator.close())

const variants: readonly [FailureId, string][] = [
  ['F1', 'cf2'],
  ...['title', 'options', 'orchestrate', 'platform', 'refresh'].map((name): [FailureId, string] => [
    'F6',
    name,
  ]),
  ['A3', 'challenge-platform'],
  ['A3', 'attention-required'],
  ['A5', '419'],
  ['A10', 'chinese'],
  ['A10', 'code'],
  ['A11', 'object-value'],
  ['A11', 'text'],
  ['A12', 'declined'],
]

describe.each(wireGenerations)('%s', (generation) => {
  const kindFor = async (scenario: Omit<FailureScenario, 'type'>) => {
    emulator.answerWith({ type: 'failure', ...scenario })
    return kindOf(await askWhole(upstream, { generation }))
  }
  const answer = (scenario: Omit<AnswerScenario, 'type'>, search = false) => {
    emulator.answerWith({ type: 'answer', search, ...scenario })
    return askWhole(upstream, { generation })
  }

  test.each(Object.entries(failureKinds))('%s is %s', async (failure, kind) => {
    expect(await kindFor({ failure: failure as FailureId })).toBe(kind)
  })

  test.each(variants)('%s in the variant %s is the same', async (failure, variant) => {
    expect(await kindFor({ failure, variant })).toBe(failureKinds[failure])
  })

  describe.each(['F1', 'F2', 'F4', 'F5', 'A9', 'A10', 'A11', 'A14'] satisfies FailureId[])(
    'F12: %s',
    (failure) => {
      test.each(['event', 'json', 'text'] as const)('as %s, however it is written', async (as) => {
        const written = [
          {},
          { spacing: 'compact' },
          { spacing: 'python' },
          { shuffleKeys: true, extraFields: { trace_id: 'x', status_text: null } },
        ] as const
        for (const options of written)
          expect(await kindFor({ failure, as, ...options })).toBe(failureKinds[failure])
      })
    },
  )

  const quotes =
    'It says `Rate limit exceeded cf1`, "not login" and “5-hour limit”. Rate limit exceeded cf1 not login 5-hour limit <!DOCTYPE html> data: [DONE]'

  test.each(['deltas', 'full-value', 'message-fields', 'result-only'] as const)(
    'F13: an answer that quotes notices is delivered unchanged by %s',
    async (carrier) => {
      const outcome = await answer({ text: quotes, carrier })
      expect(outcome.error).toBeUndefined()
      expect(textOf(outcome)).toBe(quotes)
    },
  )

  test.each(['events', 'joined', 'every-byte'] as const)(
    'F5: an answer split by %s is the same',
    async (split) => {
      const text = 'Grüße aus 東京! 👋🏽 '.repeat(5)
      expect(textOf(await answer({ text, split }))).toBe(text)
    },
  )

  test('F15: extra events and fields change nothing', async () => {
    const outcome = await answer({
      text: 'Hello',
      extraEvents: [{ type: 'weather' }],
      extraFields: { colour: 'red' },
      shuffleKeys: true,
      eventIndex: false,
    })
    expect(textOf(outcome)).toBe('Hello')
    expect(outcome.error).toBeUndefined()
  })

  test.each(['reset', 'hang-up', 'clean-end'] as const)(
    'F3, F4: a %s after the first token is a reset',
    async (how) => {
      const outcome = await answer({ text: 'one two three', cut: { after: 'first-token', how } })
      expect(kindOf(outcome)).toBe('reset')
      expect(textOf(outcome)).toMatch(/^one/)
    },
  )

  test.each([
    ['reset', 'nothing', 'reset'],
    ['reset', 'headers', 'reset'],
    ['hang-up', 'headers', 'reset'],
    ['clean-end', 'headers', 'empty'],
  ] as const)('F2, F4: a %s after %s is %s', async (how, after, kind) => {
    expect(kindOf(await answer({ text: 'Hello', cut: { after, how } }))).toBe(kind)
  })
})

test('thinking of gen 1 is reasoning; that of gen 2 cannot be read', async () => {
  emulator.answerWith({ type: 'answer', text: 'Hello', thinking: ['Let me ', 'think.'] })
  const copilot = await askWhole(upstream, { generation: 'copilot' })
  expect([reasoningOf(copilot), textOf(copilot)]).toEqual(['Let me think.', 'Hello'])
  const agent = await askWhole(upstream, { generation: 'agent' })
  expect([reasoningOf(agent), textOf(agent)]).toEqual(['', 'Hello'])
})

test.each([
  ['finished', 'message'],
  ['project-end', 'session-state'],
] as const)('an answer that ends with %s names its model in its %s', async (terminator, servedModelPlace) => {
  emulator.answerWith({
    type: 'answer',
    text: 'Hi',
    terminator,
    servedModelPlace,
    servedModel: 'gpt-5.4-nano',
  })
  const { events } = await askWhole(upstream)
  expect(events.at(-1)).toEqual({ type: 'finished', reason: 'stop', servedModel: 'gpt-5.4-nano' })
})

test('a tool turn is the lead-in and the answer, without the tool', async () => {
  emulator.answerWith({ type: 'answer', text: 'It is sunny.', toolTurn: true })
  expect(textOf(await askWhole(upstream))).toBe('Let me look that up.\n\nIt is sunny.')
})

test('checkLogin tells who is signed in', async () => {
  const { signal } = new AbortController()
  expect(await upstream.checkLogin(account, signal)).toBe('signed-in')
  emulator.signOut('alice')
  expect(await upstream.checkLogin(account, signal)).toBe('signed-out')
  emulator.signIn('alice')
})
