import type { StreamEncoder } from '../stream-encoder.ts'
import { createEventWriter } from './response-events.ts'
import { createStateEncoder, type OutputItem, type ResponseObject } from './response-object.ts'

/** The events of a response that is whole, each item of its output in one piece. */
export function replayResponse(response: ResponseObject): string {
  const begun: ResponseObject = { ...response, status: 'in_progress', output: [], usage: null, error: null }
  const writer = createEventWriter(createStateEncoder(begun))
  writer.emit({ type: 'response.created', response: begun })
  writer.emit({ type: 'response.in_progress', response: begun })
  for (const [output_index, item] of response.output.entries()) {
    writer.emit({ type: 'response.output_item.added', output_index, item: emptied(item) })
    if (item.type === 'message')
      for (const [content_index, part] of item.content.entries()) {
        const place = { item_id: item.id, output_index, content_index }
        writer.emit({
          type: 'response.content_part.added',
          ...place,
          part: part.type === 'output_text' ? { ...part, text: '' } : { ...part, refusal: '' },
        })
        if (part.type === 'output_text') {
          writer.emitDelta({ type: 'response.output_text.delta', ...place, logprobs: [] }, part.text)
          writer.emit({ type: 'response.output_text.done', ...place, text: part.text, logprobs: [] })
        } else {
          writer.emitDelta({ type: 'response.refusal.delta', ...place }, part.refusal)
          writer.emit({ type: 'response.refusal.done', ...place, refusal: part.refusal })
        }
        writer.emit({ type: 'response.content_part.done', ...place, part })
      }
    else if (item.type === 'function_call') {
      const place = { item_id: item.id, output_index }
      writer.emitDelta({ type: 'response.function_call_arguments.delta', ...place }, item.arguments)
      writer.emit({ type: 'response.function_call_arguments.done', ...place, arguments: item.arguments })
    } else if (item.type === 'custom_tool_call') {
      const place = { item_id: item.id, output_index }
      writer.emitDelta({ type: 'response.custom_tool_call_input.delta', ...place }, item.input)
      writer.emit({ type: 'response.custom_tool_call_input.done', ...place, input: item.input })
    }
    writer.emit({ type: 'response.output_item.done', output_index, item })
  }
  const { status } = response
  const type = status === 'completed' || status === 'incomplete' ? status : 'failed'
  writer.emit({ type: `response.${type}`, response })
  return writer.flush()
}

function emptied(item: OutputItem): OutputItem {
  if (item.type === 'message') return { ...item, status: 'in_progress', content: [] }
  if (item.type === 'function_call') return { ...item, status: 'in_progress', arguments: '' }
  return item.type === 'custom_tool_call' ? { ...item, input: '' } : item
}

/** Leaves out the events that a client has seen.
 *  @param after  the number of the last of them */
export function startingAfter(encoder: StreamEncoder, after: number): StreamEncoder {
  return {
    encode: (batch) => eventsAfter(encoder.encode(batch), after),
    get isFull() {
      return encoder.isFull ?? false
    },
    end: async () => eventsAfter(await encoder.end(), after),
    encodeError: (error) => eventsAfter(encoder.encodeError(error), after),
  }
}

/** @param text  whole events */
export function eventsAfter(text: string, after: number): string {
  if (after < 0) return text
  return text
    .split(/(?<=\n\n)/)
    .filter((event) => Number(/"sequence_number":(\d+)\}\n\n$/.exec(event)?.[1] ?? Infinity) > after)
    .join('')
}
