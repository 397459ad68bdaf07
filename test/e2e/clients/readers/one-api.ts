import { z } from 'zod'
import type { RawReply } from '../../../emulator/raw-request.ts'
import { jsonOf, linesOf } from './event-stream.ts'

/** Its line scanner stops there. */
const maxLineBytes = 64 * 1024
const head = 'data: '

export interface OneApiAnswer {
  readonly text: string
  readonly reasoning: string
  readonly usage: z.infer<typeof usageSchema> | undefined
}

/** Reads a stream as one-api does: line by line, `data: ` with its space, every field of the type that Go decodes into.
 *  Source: CLIENTS 4, rules 7, 8, 10 */
export function readOneApi(reply: RawReply): OneApiAnswer {
  let text = ''
  let reasoning = ''
  let usage: OneApiAnswer['usage']
  let done = false
  for (const line of linesOf(reply)) {
    if (Buffer.byteLength(line) >= maxLineBytes) throw new Error(`a line of ${Buffer.byteLength(line)} bytes`)
    if (line === '' || line.startsWith(':')) continue
    if (!line.startsWith(head)) throw new Error(`passed over: ${line.slice(0, 100)}`)
    if (done) throw new Error('more came after [DONE]')
    if (line === `${head}[DONE]`) done = true
    else {
      const chunk = chunkSchema.parse(JSON.parse(line.slice(head.length)))
      for (const { delta } of chunk.choices) {
        text += delta.content ?? ''
        reasoning += delta.reasoning_content ?? ''
      }
      usage = chunk.usage ?? usage
    }
  }
  if (!done) throw new Error('no [DONE]')
  return { text, reasoning, usage }
}

/** What its channel test wants: 200, a choice, content that is a string. */
export function readOneApiTest(reply: RawReply): string {
  if (reply.status !== 200) throw new Error(`status ${reply.status}: ${reply.body.toString().slice(0, 500)}`)
  return testSchema.parse(jsonOf(reply)).choices[0].message.content
}

export const subscriptionSchema = z.object({
  object: z.string(),
  has_payment_method: z.boolean(),
  soft_limit_usd: z.number(),
  hard_limit_usd: z.number().positive(),
  system_hard_limit_usd: z.number(),
  access_until: z.int(),
})

/** In cents. */
export const usageOfMonthSchema = z.object({ object: z.string(), total_usage: z.number() })

const usageSchema = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
})

const chunkSchema = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      delta: z.object({
        role: z.literal('assistant').optional(),
        content: z.string().nullish(),
        reasoning_content: z.string().optional(),
      }),
      finish_reason: z.string().nullable(),
    }),
  ),
  usage: usageSchema.nullish(),
})

const testSchema = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  choices: z.tuple([z.object({ message: z.object({ content: z.string().min(1) }) })]),
  usage: usageSchema,
})
