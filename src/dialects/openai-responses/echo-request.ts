import { z } from 'zod'
import type { GivenTool } from './parse-tools.ts'

/** What a response repeats of its request; the site knows none of the settings of sampling. */
export const echoedSchema = z.object({
  background: z.boolean().nullish(),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  max_tool_calls: z.int().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  reasoning: z.looseObject({ effort: z.string().nullish(), summary: z.string().nullish() }).nullish(),
  safety_identifier: z.string().nullish(),
  service_tier: z.string().nullish(),
  store: z.boolean().nullish(),
  temperature: z.number().nullish(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }).nullish() }).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })]).nullish(),
  tools: z.array(z.looseObject({ type: z.string() })).nullish(),
  top_logprobs: z.int().nullish(),
  top_p: z.number().nullish(),
  truncation: z.string().nullish(),
  user: z.string().nullish(),
})

/** Fields that were left out have the vendor's defaults. */
export function echoRequest(asked: z.infer<typeof echoedSchema>) {
  return {
    access_programs: null,
    background: asked.background ?? false,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    max_tool_calls: asked.max_tool_calls ?? null,
    metadata: asked.metadata ?? {},
    parallel_tool_calls: asked.parallel_tool_calls ?? true,
    previous_response_id: asked.previous_response_id ?? null,
    prompt_cache_key: asked.prompt_cache_key ?? null,
    reasoning: { effort: null, summary: null, ...asked.reasoning },
    safety_identifier: asked.safety_identifier ?? null,
    service_tier: servedTier(asked.service_tier),
    store: asked.store ?? true,
    temperature: asked.temperature ?? 1,
    text: { ...asked.text, format: asked.text?.format ?? { type: 'text' } },
    tool_choice: asked.tool_choice ?? 'auto',
    tools: asked.tools?.map(echoTool) ?? [],
    top_logprobs: asked.top_logprobs ?? 0,
    top_p: asked.top_p ?? 1,
    truncation: asked.truncation ?? 'disabled',
    user: asked.user ?? null,
  }
}

export type EchoedFields = ReturnType<typeof echoRequest>

const servedTier = (asked: string | null | undefined): string =>
  !asked || asked === 'auto' ? 'default' : asked

/** What a tool would sign in with is neither told nor kept. */
function echoTool({ authorization: _key, headers: _headers, ...tool }: GivenTool) {
  return tool.type === 'function' ? { description: null, parameters: null, strict: false, ...tool } : tool
}
