import { z } from 'zod'
import type { RawReply } from '../../../emulator/raw-request.ts'
import { jsonOf } from './event-stream.ts'

/** Reads the answer to one of its own questions (title, tags): the JSON between the first `{` and the last `}` of the text.
 *  Source: CLIENTS 6 */
export function readTask(reply: RawReply): unknown {
  const text = completionSchema.parse(jsonOf(reply)).choices[0]?.message.content ?? ''
  return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))
}

const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
})
