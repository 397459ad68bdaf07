import { z } from 'zod'
import type { RawReply } from '../../../emulator/raw-request.ts'
import { eventsOf } from './event-stream.ts'

export interface NextChatView {
  /** What stands on the screen. */
  readonly answer: string
  /** The quoted block above it. */
  readonly thoughts: string
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[]
}

/** Reads a stream as NextChat does: of a delta only its first tool call; an `id` begins a call, anything without one belongs to the
 *  call before. Source: CLIENTS 3 */
export function readNextChat(reply: RawReply): NextChatView {
  const calls: { id: string; name: string; arguments: string }[] = []
  let answer = ''
  let thoughts = ''
  for (const { data } of eventsOf(reply)) {
    if (data === '[DONE]') break
    const delta = chunkSchema.parse(JSON.parse(data)).choices?.[0]?.delta
    const call = delta?.tool_calls?.[0]
    if (delta?.tool_calls && delta.tool_calls.length > 1)
      throw new Error('it sees only the first call of a delta')
    if (call?.id) {
      if (call.function.arguments !== '') throw new Error('the first chunk of a call has arguments ""')
      calls.push({ id: call.id, name: call.function.name ?? '', arguments: '' })
    } else if (call) {
      const last = calls.at(-1)
      if (!last) throw new Error('arguments came before the id of their call')
      last.arguments += call.function.arguments
    }
    answer += delta?.content ?? ''
    thoughts += delta?.reasoning_content ?? ''
  }
  return { answer, thoughts, calls }
}

const callSchema = z.object({
  id: z.string().min(1).optional(),
  function: z.object({ name: z.string().optional(), arguments: z.string() }),
})

const deltaSchema = z.object({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  tool_calls: z.array(callSchema).min(1).optional(),
})

/** What has no choices (usage, an error) is passed over. */
const chunkSchema = z.object({ choices: z.array(z.object({ delta: deltaSchema })).optional() })
