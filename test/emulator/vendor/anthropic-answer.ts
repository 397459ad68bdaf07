import { words } from '../answer-plan.ts'
import type { Chunks, WireEvent } from '../scenario.ts'
import { vendorEcho, wholeText } from './openai-answer.ts'
import type { VendorAsk } from './vendor-ask.ts'
import type { VendorAnswer } from './vendor-scenario.ts'

/** Events as Anthropic publishes them. */
export async function* anthropicEvents(ask: VendorAsk, scenario: VendorAnswer): AsyncGenerator<WireEvent> {
  const message = { ...head(ask), content: [], stop_reason: null, stop_sequence: null, usage }
  yield { type: 'message_start', message }
  if (scenario.thinking) yield* thinkingBlock(scenario.thinking)
  const index = scenario.thinking ? 1 : 0
  yield { type: 'content_block_start', index, content_block: { type: 'text', text: '' } }
  yield { type: 'ping' }
  for await (const text of scenario.chunks ?? words(scenario.text ?? vendorEcho(ask))) {
    yield { type: 'content_block_delta', index, delta: { type: 'text_delta', text } }
  }
  const { calls = [] } = scenario
  for (const [position, { id, name, input }] of calls.entries()) {
    if (position === 0) yield { type: 'content_block_stop', index }
    const at = index + 1 + position
    yield { type: 'content_block_start', index: at, content_block: { type: 'tool_use', id, name, input: {} } }
    const whole = JSON.stringify(input)
    for (const partial_json of [whole.slice(0, 4), whole.slice(4)])
      yield { type: 'content_block_delta', index: at, delta: { type: 'input_json_delta', partial_json } }
    if (position < calls.length - 1) yield { type: 'content_block_stop', index: at }
  }
  if (scenario.error) return yield { type: 'error', error: scenario.error }
  if (scenario.withoutFinal) return
  yield { type: 'content_block_stop', index: index + calls.length }
  const delta = {
    stop_reason: scenario.finishReason ?? (scenario.calls ? 'tool_use' : 'end_turn'),
    stop_sequence: null,
  }
  yield { type: 'message_delta', delta, usage: { output_tokens: usage.output_tokens } }
  yield { type: 'message_stop' }
}

async function* thinkingBlock(chunks: Chunks): AsyncGenerator<WireEvent> {
  const delta = (delta: WireEvent) => ({ type: 'content_block_delta', index: 0, delta })
  const content_block = { type: 'thinking', thinking: '', signature: '' }
  yield { type: 'content_block_start', index: 0, content_block }
  for await (const thinking of chunks) yield delta({ type: 'thinking_delta', thinking })
  yield delta({ type: 'signature_delta', signature: 'canned' })
  yield { type: 'content_block_stop', index: 0 }
}

export async function anthropicMessage(ask: VendorAsk, scenario: VendorAnswer): Promise<WireEvent> {
  const calls = (scenario.calls ?? []).map((call) => ({ type: 'tool_use', ...call }))
  const content = [{ type: 'text', text: await wholeText(ask, scenario) }, ...calls]
  const stop_reason = scenario.finishReason ?? (scenario.calls ? 'tool_use' : 'end_turn')
  return { ...head(ask), content, stop_reason, stop_sequence: null, usage }
}

const usage = { input_tokens: 4, cache_read_input_tokens: 3, output_tokens: 11 }

const head = ({ index, model }: VendorAsk): WireEvent => ({
  id: `msg_canned_${index}`,
  type: 'message',
  role: 'assistant',
  model,
})
