import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import type { ChatRequest } from '../../../src/core/chat-request.ts'
import { createUsageMeter } from '../../../src/dialects/measure-usage.ts'
import type { EncodeResponseOptions } from '../../../src/dialects/openai-responses/encode-response.ts'
import { createResponse, echoRequest } from '../../../src/dialects/openai-responses/response-object.ts'

export const hex = '0123456789abcdef0123456789abcdef'

export async function answerOf(batches: readonly ChatEventBatch[], failure?: Error) {
  async function* events() {
    yield* batches
    if (failure) throw failure
  }
  return { events: events() }
}

const asked: ChatRequest['messages'] = [{ role: 'user', parts: [{ type: 'text', text: 'four' }] }]

/** A token is a character here. */
export function encodeOptions(changes: Partial<EncodeResponseOptions> = {}): EncodeResponseOptions {
  const identity = {
    id: `resp_${hex}`,
    created: 1_700_000_000,
    model: { id: 'gpt-5' },
    echo: echoRequest({}),
  }
  return {
    response: createResponse(identity, 'in_progress'),
    toolForms: new Map(),
    compacts: false,
    reasoningHidden: false,
    usage: createUsageMeter({ messages: asked }, (words) => Promise.resolve(words.length)),
    now: () => 1_700_000_009,
    keep: () => Promise.resolve(),
    ...changes,
  }
}

/** A response of which only what is given differs from one that was just asked for without settings. */
export const responseBody = (fields: object) => ({
  id: `resp_${hex}`,
  object: 'response',
  created_at: 1_700_000_000,
  completed_at: null,
  status: 'in_progress',
  error: null,
  incomplete_details: null,
  model: 'gpt-5',
  output: [],
  usage: null,
  access_programs: null,
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: 'default',
  store: true,
  temperature: 1,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
  user: null,
  ...fields,
})
