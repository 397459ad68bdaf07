import { z } from 'zod'
import type { OutputFormat, Sampling } from '../core/chat-request.ts'
import { checkShape } from './check-shape.ts'

/** A whole number, also as a string. */
export const wholeNumber = z.union(
  [
    z.int(),
    z
      .string()
      .trim()
      .regex(/^[+-]?\d{1,15}$/)
      .transform(Number),
  ],
  {
    error: 'expected a whole number',
  },
)

/** True or false, also as a string. */
export const lenientBoolean = z.union(
  [
    z.boolean(),
    z
      .string()
      .trim()
      .toLowerCase()
      .pipe(z.enum(['true', 'false']))
      .transform((text) => text === 'true'),
  ],
  { error: 'expected true or false' },
)

/** OpenAI takes 4 sequences; the bounds are there for the work that they make. */
const stopSequence = z.string().max(4096)
const stopField = z.union([stopSequence, z.array(stopSequence).max(256)], {
  error: 'expected a string or a list of up to 256, each of up to 4096 characters',
})

/** Limits and sampling in the spelling of any dialect. This is the one place where such fields are read. */
export const limitFields = {
  max_tokens: wholeNumber.nullish(),
  max_completion_tokens: wholeNumber.nullish(),
  max_output_tokens: wholeNumber.nullish(),
  stop: stopField.nullish(),
  stop_sequences: stopField.nullish(),
}

const ignored = undefined

/** In the spelling of any dialect. An API key alone has use for them, so that a value out of range is left to whoever would have
 *  ignored it. */
const samplingSchema = z.object({
  temperature: z.coerce.number().min(0).max(2).nullish().catch(ignored),
  top_p: z.coerce.number().min(0).max(1).nullish().catch(ignored),
  seed: wholeNumber.nullish().catch(ignored),
  reasoning_effort: z.string().max(20).nullish().catch(ignored),
  reasoning: z
    .object({ effort: z.string().max(20).nullish() })
    .nullish()
    .catch(ignored),
  output_config: z
    .object({ effort: z.string().max(20).nullish() })
    .nullish()
    .catch(ignored),
  thinking: z
    .object({ type: z.string(), budget_tokens: wholeNumber.pipe(z.number().min(0)).nullish() })
    .nullish()
    .catch(ignored),
})

/** @returns nothing where none is given, so that a plain chat stays one */
export function readSampling(request: object): { readonly sampling?: Sampling } {
  if (!Object.keys(samplingSchema.shape).some((name) => name in request)) return {}
  const given = samplingSchema.parse(request)
  const { temperature, top_p: topP, seed, thinking } = given
  const effort = given.output_config?.effort || given.reasoning?.effort || given.reasoning_effort
  const sampling: Sampling = {
    ...(typeof temperature === 'number' && { temperature }),
    ...(typeof topP === 'number' && { topP }),
    ...(typeof seed === 'number' && { seed }),
    ...(effort && { effort }),
    // `adaptive` leaves it to the model.
    ...(thinking && thinking.type !== 'disabled' && { thinkingTokens: thinking.budget_tokens ?? 0 }),
  }
  return Object.keys(sampling).length > 0 ? { sampling } : {}
}

/** Names what an account with a cookie makes no use of, in words for the client: the site has no such settings. */
export function tellUnusedSampling({ temperature, topP, seed, effort }: Sampling): readonly string[] {
  const fields = [
    ...(temperature === undefined || temperature === 1 ? [] : ['temperature']),
    ...(topP === undefined || topP === 1 ? [] : ['top_p']),
    ...(seed === undefined ? [] : ['seed']),
    ...(effort === undefined ? [] : ['reasoning_effort']),
  ]
  return fields.length === 0 ? [] : [`no effect here: ${fields.join(', ')}`]
}

type Limits = z.infer<z.ZodObject<typeof limitFields>>

/** What limits an answer. A limit below 1 is none: clients write -1 and 0 for that. An empty sequence would end every answer
 *  before its first word. */
export function readLimits(request: Limits): {
  readonly maxTokens?: number
  readonly stop?: readonly string[]
} {
  const maxTokens = request.max_completion_tokens ?? request.max_output_tokens ?? request.max_tokens ?? 0
  const stop = [request.stop ?? request.stop_sequences ?? []].flat().filter(Boolean)
  return { ...(maxTokens > 0 && { maxTokens }), ...(stop.length > 0 && { stop }) }
}

/** Fields that change an answer at the maker of the model and nothing here, with the values that mean "as always". */
const withoutEffect: readonly (readonly [field: string, ...neutral: readonly unknown[]])[] = [
  ['top_k'],
  ['presence_penalty', 0],
  ['frequency_penalty', 0],
  ['logprobs', false],
  ['top_logprobs', 0],
  ['logit_bias'],
  ['verbosity', 'medium'],
  ['prediction'],
  ['audio'],
]

/** Names the fields of a request that ask for something which it does not get, in words for its client. */
export function tellWithoutEffect(request: Readonly<Record<string, unknown>>): readonly string[] {
  const fields: string[] = []
  for (const [field, ...neutral] of withoutEffect) {
    const value = request[field]
    if (value !== undefined && value !== null && !neutral.includes(value)) fields.push(field)
  }
  const { modalities } = request
  if (Array.isArray(modalities) && modalities.some((each) => each !== 'text')) fields.push('modalities')
  return fields.length === 0 ? [] : [`no effect here: ${fields.join(', ')}`]
}

/** How the answer is to be formed, in the spelling of any dialect. */
export const outputFields = {
  response_format: z.unknown().optional(),
  text: z.looseObject({ format: z.unknown().optional() }).nullish(),
  output_config: z.looseObject({ format: z.unknown().optional() }).nullish(),
  output_format: z.unknown().optional(),
}

/** @returns undefined for plain text. A `json_schema` without a schema asks for nothing but JSON.
 *  @throws {InvalidRequestError} `invalid_value` */
export function readOutput(request: z.infer<z.ZodObject<typeof outputFields>>): OutputFormat | undefined {
  const { response_format, text, output_config, output_format } = request
  if (response_format) return parseOutput(response_format, 'response_format')
  if (text?.format) return parseOutput(text.format, 'text.format')
  if (output_config?.format) return parseOutput(output_config.format, 'output_config.format')
  return output_format ? parseOutput(output_format, 'output_format') : undefined
}

function parseOutput(given: unknown, at: string): OutputFormat | undefined {
  const format = checkShape(formatSchema, given, at)
  if (format.type === 'text') return undefined
  if (format.type === 'json_object') return { type: 'json-object' }
  const { name, description, schema } = format.json_schema ?? format
  if (!schema) return { type: 'json-object' }
  return { type: 'json-schema', name: name || 'response', description: description ?? undefined, schema }
}

const schemaFields = {
  name: z.string().max(256).nullish(),
  description: z.string().nullish(),
  schema: z.record(z.string(), z.unknown()).nullish(),
}

/** Chat nests what the others have flat. */
const formatSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    ...schemaFields,
    json_schema: z.object(schemaFields).nullish(),
  }),
])
