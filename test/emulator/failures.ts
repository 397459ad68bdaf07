import type { WireGeneration } from '../../src/core/wire-generation.ts'
import { blockPage, challengePage, servicePage } from './failure-pages.ts'
import type { FailureId, FailureScenario, WireEvent } from './scenario.ts'

/** A failure as WIRE 4.11 and 5.10 show it. */
export type FailureForm =
  /** A body that is no event stream. */
  | { readonly type: 'body'; readonly status: number; readonly contentType: string; readonly body: string }
  /** An object that is the body, or an event in other forms (CASES F12). `words`: what it says as plain text. */
  | { readonly type: 'object'; readonly status: number; readonly object: WireEvent; readonly words: string }
  /** An event in an otherwise good stream. */
  | { readonly type: 'event'; readonly object: WireEvent; readonly words: string }
  /** A stream that ends without any content. */
  | { readonly type: 'empty' }

export function failureForm(scenario: FailureScenario, generation: WireGeneration): FailureForm {
  return forms[scenario.failure]({
    variant: scenario.variant,
    resetAt: scenario.resetAt ?? Math.floor(Date.now() / 1000) + 3600,
    generation,
  })
}

interface FormInput {
  readonly variant: string | undefined
  /** Epoch seconds. */
  readonly resetAt: number
  readonly generation: WireGeneration
}

/** Where a status or wording is not seen in any source, WIRE's own suggestion stands, else an invented one. */
const forms: Readonly<Record<FailureId, (input: FormInput) => FailureForm>> = {
  // variants: cf1, cf2
  F1: ({ variant = 'cf1' }) => plain(429, `Rate limit exceeded ${variant}`),
  F2: () => notLogin(200),
  F3: () => plain(500, 'Internal Server Error'),
  F4: ({ generation }) => resultOf(generation, overloaded),
  F5: ({ generation }) => resultOf(generation, quotaExceeded),
  // variants: title, options, orchestrate, platform, refresh
  F6: ({ variant = 'fixture' }) => html(403, challengePage(variant)),
  F7: () => html(403, blockPage),
  F8: () => html(503, servicePage),
  F9: () => plain(200, 'This feature has been retired. Please use AI Chat instead.'),
  F10: () => ({ type: 'empty' }),

  A1: () => notLogin(401),
  A2: () => plain(400, 'bad request cf'),
  // variants: just-a-moment, challenge-platform, attention-required
  A3: ({ variant = 'just-a-moment' }) => html(403, challengePage(variant)),
  A4: () => plain(403, 'Forbidden'),
  // variants: 418, 419
  A5: ({ variant = '418' }) => plain(Number(variant), ''),
  A6: () =>
    object(422, { detail: 'messages: tool-shaped messages are not supported' }, 'Unprocessable Entity'),
  A7: () => plain(429, 'Too Many Requests'),
  A8: () => plain(500, 'Internal Server Error'),
  A9: () => agentResult("You're sending messages too quickly. Rate limit reached."),
  // variants: credits, chinese, code
  A10: ({ variant = 'credits' }) =>
    variant === 'code'
      ? { type: 'event', object: { type: 'error', code: 'CREDIT_EXHAUSTED' }, words: 'CREDIT_EXHAUSTED' }
      : agentResult(variant === 'chinese' ? '积分已用完' : "You've used all your credits."),
  // variants: event, object-value, text; the warning that the limit is near is no failure: send it by `extraEvents`
  A11: ({ variant = 'event', resetAt }) => windowLimit(variant, resetAt),
  // variants: no-response, declined
  A12: ({ variant = 'no-response' }) =>
    agentResult(
      variant === 'declined'
        ? 'The model declined to answer this request.'
        : "Sorry, I couldn't produce a response this turn.",
    ),
  A13: () => ({
    type: 'event',
    object: { type: 'error', message: 'An error occurred.' },
    words: 'An error occurred.',
  }),
  A14: () => object(200, { status: -8, message: outOfCredits }, outOfCredits),
  A15: () => ({ type: 'empty' }),
}

const plain = (status: number, body: string): FailureForm => ({
  type: 'body',
  status,
  contentType: 'text/plain; charset=utf-8',
  body,
})

const html = (status: number, body: string): FailureForm => ({
  type: 'body',
  status,
  contentType: 'text/html; charset=utf-8',
  body,
})

const object = (status: number, value: WireEvent, words: string): FailureForm => ({
  type: 'object',
  status,
  object: value,
  words,
})

const notLogin = (status: number): FailureForm =>
  object(status, { status: -5, message: 'not login', data: {} }, 'not login')

const result = {
  id: '',
  role: 'assistant',
  content: '',
  action: null as WireEvent | null,
  recommend_actions: null,
  is_prompt: false,
  render_template: null,
  session_state: null as WireEvent | null,
  message_type: null,
}

const overloaded = { ...result, content: 'Server overloaded, please try again later.' }

const quotaExceeded = {
  ...result,
  content: "You've reached your free usage limit today",
  action: {
    type: 'ACTION_QUOTA_EXCEEDED',
    query_string: null,
    update_flow_data: null,
    label: null,
    user_s_input: null,
    action_params: null,
  },
  is_prompt: true,
  session_state: { consume_usage_quota_exceeded: true },
}

/** Gen 2 nests what gen 1 has at the top (WIRE 6). */
function resultOf(generation: WireGeneration, message: typeof result): FailureForm {
  const object =
    generation === 'copilot'
      ? { ...message, type: 'message_result' }
      : { message_id: '', message, type: 'message_result' }
  return { type: 'event', object, words: message.content }
}

const agentResult = (content: string): FailureForm => ({
  type: 'event',
  object: { message_id: '', message: { id: '', role: 'assistant', content }, type: 'message_result' },
  words: content,
})

const outOfCredits = "You've run out of credits. Please upgrade your plan."

function windowLimit(variant: string, resetAt: number): FailureForm {
  const link = '[5-hour limit](https://www.genspark.ai/pricing)'
  const words = `AI Chat ${link} reached. Resets {time:${resetAt}}`
  if (variant === 'text') return agentResult("You've reached your 5-hour limit.")
  const field_value = variant === 'object-value' ? { value: words } : words
  const field_name = 'session_state.session_limit_message'
  return { type: 'event', object: { field_name, field_value, type: 'message_field' }, words }
}
