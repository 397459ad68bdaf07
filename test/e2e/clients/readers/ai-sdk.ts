import { z } from 'zod'
import type { RawReply } from '../../../emulator/raw-request.ts'
import { eventsOf } from './event-stream.ts'

/** Reads a stream as clients on the AI SDK do (Cherry Studio): every data line must be a chunk or an error of its schema, and
 *  there must be a finish reason; what comes after that is one chunk at most. Source: CLIENTS 8, 9 */
export function readAiSdk(reply: RawReply): { readonly text: string; readonly finishReason: string } {
  let text = ''
  let finishReason: string | undefined
  let afterFinish = 0
  for (const { data } of eventsOf(reply)) {
    if (data === '[DONE]') break
    const chunk = lineSchema.parse(JSON.parse(data))
    if ('error' in chunk) throw new Error(chunk.error.message)
    if (finishReason) afterFinish += 1
    for (const { delta, finish_reason } of chunk.choices) {
      text += delta?.content ?? ''
      finishReason = finish_reason ?? finishReason
    }
  }
  if (!finishReason) throw new Error('no finish reason')
  if (afterFinish > 1) throw new Error('it ends its turn one chunk after the finish reason')
  return { text, finishReason }
}

/** Its list of models, with the exact words. */
export const modelListSchema = z.object({
  object: z.literal('list'),
  data: z
    .array(
      z.object({
        id: z.string().min(1),
        object: z.literal('model'),
        created: z.number(),
        owned_by: z.string(),
      }),
    )
    .min(1),
})

const usageSchema = z.object({
  prompt_tokens: z.number().nullish(),
  completion_tokens: z.number().nullish(),
  total_tokens: z.number().nullish(),
})

const chunkSchema = z.object({
  id: z.string().nullish(),
  created: z.number().nullish(),
  model: z.string().nullish(),
  choices: z.array(
    z.object({
      delta: z
        .object({
          role: z.enum(['assistant', '']).nullish(),
          content: z.string().nullish(),
          reasoning_content: z.string().nullish(),
        })
        .nullish(),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: usageSchema.nullish(),
})

const errorSchema = z.object({ error: z.object({ message: z.string(), code: z.string() }) })

const lineSchema = z.union([errorSchema, chunkSchema])
