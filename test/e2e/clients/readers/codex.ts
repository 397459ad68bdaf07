import { z } from 'zod'
import type { RawReply } from '../../../emulator/raw-request.ts'
import { eventsOf } from './event-stream.ts'

export interface Turn {
  readonly responseId: string
  /** Of the text deltas, as they are shown while they come. */
  readonly shown: string
  /** Only what `response.output_item.done` brought is kept of a turn. */
  readonly items: readonly z.infer<typeof itemSchema>[]
  readonly usage: z.infer<typeof usageSchema>
}

/** Reads a stream of Responses events as Codex does: `response.created`, items by `response.output_item.done`, and
 *  `response.completed` with an id and usage, or the turn is repeated. Sequence numbers have no gap. Source: CLIENTS 11 */
export function readCodex(reply: RawReply): Turn {
  const items: Turn['items'][number][] = []
  let shown = ''
  let created: string | undefined
  let completed: z.infer<typeof completedSchema> | undefined
  for (const [place, { event, data }] of eventsOf(reply).entries()) {
    if (data === '[DONE]') continue
    const parsed = eventSchema.parse(JSON.parse(data))
    if (event !== parsed.type) throw new Error(`event ${event} holds a ${parsed.type}`)
    if (parsed.sequence_number !== place)
      throw new Error(`number ${parsed.sequence_number} at place ${place}`)
    if (completed) throw new Error(`${parsed.type} after response.completed`)
    if (parsed.type === 'response.created') created = createdSchema.parse(parsed).response.id
    else if (!created) throw new Error(`${parsed.type} before response.created`)
    if (parsed.type === 'response.output_text.delta') shown += deltaSchema.parse(parsed).delta
    if (parsed.type === 'response.output_item.done') items.push(itemDoneSchema.parse(parsed).item)
    if (parsed.type === 'response.completed') completed = completedSchema.parse(parsed)
    if (parsed.type === 'response.failed' || parsed.type === 'error') throw new Error(data)
  }
  if (!completed || completed.response.id !== created)
    throw new Error('stream closed before response.completed')
  return { responseId: completed.response.id, shown, items, usage: completed.response.usage }
}

const eventSchema = z.looseObject({ type: z.string(), sequence_number: z.int() })
const createdSchema = z.object({ response: z.object({ id: z.string().min(1) }) })
const deltaSchema = z.object({ delta: z.string() })

const itemSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message'),
    role: z.literal('assistant'),
    content: z.array(
      z.discriminatedUnion('type', [
        z.object({ type: z.literal('output_text'), text: z.string() }),
        z.object({ type: z.literal('refusal'), refusal: z.string() }),
      ]),
    ),
  }),
  z.object({
    type: z.literal('function_call'),
    name: z.string().min(1),
    call_id: z.string().min(1),
    arguments: z.string(),
  }),
  z.object({ type: z.literal('reasoning'), summary: z.array(z.unknown()) }),
])

const itemDoneSchema = z.object({ item: itemSchema })

const usageSchema = z.object({
  input_tokens: z.int(),
  input_tokens_details: z.object({ cached_tokens: z.int() }).nullish(),
  output_tokens: z.int(),
  output_tokens_details: z.object({ reasoning_tokens: z.int() }).nullish(),
  total_tokens: z.int(),
})

const completedSchema = z.object({ response: z.object({ id: z.string().min(1), usage: usageSchema }) })
