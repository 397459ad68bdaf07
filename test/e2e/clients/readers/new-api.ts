import { z } from 'zod'
import type { RawReply } from '../../../emulator/raw-request.ts'
import { linesOf } from './event-stream.ts'

/** Reads a stream as new-api's channel test and relay do: any `error` fails it, and usage counts only in the last data line before
 *  the end mark, which must be no line that an answer needs. Source: CLIENTS 5, rule 9 */
export function readNewApi(reply: RawReply): { readonly text: string; readonly usage: unknown } {
  const lines = linesOf(reply)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length).trim())
    .filter((line) => line !== '[DONE]')
  const chunks = lines.map((line) => chunkSchema.parse(JSON.parse(line)))
  const last = chunks.at(-1)
  if (!last) throw new Error('a stream without a line of data')
  if (chunks.some((chunk) => chunk.error)) throw new Error(`an error: ${lines.join('\n').slice(0, 500)}`)
  if (last.choices.length > 0) throw new Error('usage rides on a chunk that the answer needs')
  const text = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? '')).join('')
  return { text, usage: last.usage }
}

const chunkSchema = z.object({
  error: z.unknown().optional(),
  choices: z.array(z.object({ delta: z.object({ content: z.string().nullish() }) })),
  usage: z
    .object({
      prompt_tokens: z.int().positive(),
      completion_tokens: z.int().positive(),
      total_tokens: z.int(),
    })
    .nullish(),
})
