import { words } from '../answer-plan.ts'
import type { WireEvent } from '../scenario.ts'
import type { StreamEvent } from '../send-stream.ts'
import type { VendorAsk } from './vendor-ask.ts'
import type { VendorAnswer } from './vendor-scenario.ts'

/** Chunks as OpenAI publishes them, and `[DONE]`. */
export async function* openAiEvents(ask: VendorAsk, scenario: VendorAnswer): AsyncGenerator<StreamEvent> {
  const { calls = [], finishReason = calls.length > 0 ? 'tool_calls' : 'stop' } = scenario
  const chunk = (delta: WireEvent, finish_reason: string | null = null): WireEvent => ({
    ...head(ask, 'chat.completion.chunk'),
    choices: [{ index: 0, delta, finish_reason }],
  })
  yield chunk({ role: 'assistant', content: '' })
  for await (const reasoning_content of scenario.thinking ?? []) yield chunk({ reasoning_content })
  for await (const content of scenario.chunks ?? words(scenario.text ?? vendorEcho(ask)))
    yield chunk({ content })
  // Piece by piece and in turn, as parallel calls may come.
  for (const [index, { id, name }] of calls.entries())
    yield chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] })
  for (const part of [0, 1])
    for (const [index, { input }] of calls.entries()) {
      const whole = JSON.stringify(input)
      const half = Math.ceil(whole.length / 2)
      const piece = part === 0 ? whole.slice(0, half) : whole.slice(half)
      yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] })
    }
  if (scenario.error) return yield { error: scenario.error }
  if (scenario.withoutFinal) return
  yield chunk({}, finishReason)
  const { include_usage } = (ask.body.stream_options ?? {}) as { include_usage?: boolean }
  if (include_usage) yield { ...head(ask, 'chat.completion.chunk'), choices: [], usage }
  yield '[DONE]'
}

export async function openAiCompletion(ask: VendorAsk, scenario: VendorAnswer): Promise<WireEvent> {
  const content = await wholeText(ask, scenario)
  const { calls = [], finishReason = calls.length > 0 ? 'tool_calls' : 'stop' } = scenario
  const tool_calls = calls.map(({ id, name, input }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }))
  const message = { role: 'assistant', content, ...(calls.length > 0 && { tool_calls }) }
  return {
    ...head(ask, 'chat.completion'),
    choices: [{ index: 0, message, finish_reason: finishReason }],
    usage,
  }
}

export async function wholeText(ask: VendorAsk, { chunks, text }: VendorAnswer): Promise<string> {
  if (chunks === undefined) return text ?? vendorEcho(ask)
  let whole = ''
  for await (const chunk of chunks) whole += chunk
  return whole
}

/** The answer without a scenario. */
export const vendorEcho = ({ model, prompt }: VendorAsk): string =>
  `[canned answer of the emulator] model ${model} | by API key | you said: ${prompt}`

const usage = {
  prompt_tokens: 7,
  completion_tokens: 11,
  total_tokens: 18,
  prompt_tokens_details: { cached_tokens: 3 },
}

const head = ({ index, model }: VendorAsk, object: string): WireEvent => ({
  id: `chatcmpl-canned-${index}`,
  object,
  created: Math.floor(Date.now() / 1000),
  model,
})
