import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UpstreamError } from '../../src/core/errors.ts'
import { wireGenerations } from '../../src/core/wire-generation.ts'
import { judgeAccount, suspectAccount } from '../../src/gateway/next-move.ts'
import { decode } from './decode.ts'
import { textOf } from './support.ts'

const notices = [
  'Rate limit exceeded cf1',
  'not login',
  "You've reached your free usage limit today",
  'Server overloaded, please try again later.',
  'AI Chat [5-hour limit](x) reached. Resets {time:1890595239}',
  '积分已用完',
  'CREDIT_EXHAUSTED',
  '{"status":-5,"message":"not login","data":{}}',
  '{"type":"error","code":"CREDIT_EXHAUSTED"}',
  '<!DOCTYPE html><html><title>Just a moment...</title></html>',
  'data: [DONE]',
]

/** Words of any kind, mostly such as look like a verdict. */
const words = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...notices) }, fc.string()), {
    minLength: 1,
    maxLength: 3,
  })
  .map((parts) => parts.join(' '))

const otherMessage = fc
  .tuple(fc.constantFrom('user', 'tool', 'system', 'developer'), words)
  .map(([role, content]) => ({
    message_id: 'U',
    role,
    content,
    message: { id: 'U', role, content },
    type: 'message_result',
  }))

const toolBookkeeping = words.map((text) => ({
  message_id: 'T',
  field_name: 'tool_calls.0.function.arguments',
  delta: text,
  field_value: text,
  type: 'message_field_delta',
}))

/** Whether anything is held against the account, now or once another one answers. */
function isHeld(error: unknown): boolean {
  if (!(error instanceof UpstreamError)) return error !== undefined
  return judgeAccount(error).type !== 'keep' || suspectAccount(error, []) !== undefined
}

const answerEvents = {
  agent: (text: string, named: boolean) => [
    { message_id: 'M', role: 'assistant', type: 'message_start' },
    ...(named ? [] : [{ message_id: 'M', field_name: 'content', delta: text, type: 'message_field_delta' }]),
    {
      message_id: 'M',
      message: { id: 'M', role: 'assistant', content: text, ...(named && { _llm_model: 'm' }) },
      type: 'message_result',
    },
    { type: 'project_end' },
  ],
  copilot: (text: string, named: boolean) => [
    ...(named ? [] : [{ field_name: 'session_state.answer', delta: text, type: 'message_field_delta' }]),
    {
      id: 'M',
      role: 'assistant',
      content: text,
      session_state: named ? { answer: text } : null,
      type: 'message_result',
    },
  ],
} as const

test.each(wireGenerations)(
  'FINDINGS A1, X11: whatever an answer, a user or a tool says over %s, nothing is held against the account',
  (generation) => {
    fc.assert(
      fc.property(
        fc.array(generation === 'agent' ? fc.oneof(otherMessage, toolBookkeeping) : otherMessage, {
          maxLength: 4,
        }),
        words.filter((text) => text.trim() !== ''),
        fc.boolean(),
        (before, text, named) => {
          const decoded = decode(generation, [...before, ...answerEvents[generation](text, named)])
          expect(isHeld(decoded.error)).toBe(false)
          expect(decoded.error).toBeUndefined()
          expect(textOf(decoded)).toBe(text)
        },
      ),
      { numRuns: 1000 },
    )
  },
)

test('FINDINGS A1: words that anybody may have written never sign out, and rest an account for 30 s at most', () => {
  fc.assert(
    fc.property(words, (content) => {
      const { error } = decode('agent', [
        { message_id: 'M', message: { role: 'assistant', content }, type: 'message_result' },
        { type: 'project_end' },
      ])
      if (!(error instanceof UpstreamError)) return
      // `not login` alone has the site asked whether the account is signed in.
      const verdict = judgeAccount(error)
      if (verdict.type === 'sign-out') expect(error.isHearsay).toBe(true)
      if (verdict.type === 'cool-down') expect(verdict.retryAfterMs).toBeLessThanOrEqual(30_000)
    }),
    { numRuns: 1000 },
  )
})
