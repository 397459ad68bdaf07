import { z } from 'zod'
import type { RawReply } from '../../../emulator/raw-request.ts'
import { eventsOf } from './event-stream.ts'

export interface Message {
  readonly id: string
  readonly model: string
  readonly blocks: readonly Block[]
  readonly stopReason: string
  readonly outputTokens: number
}

export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'thinking'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown }

/** Reads a stream of Messages events as Claude Code and the Anthropic SDK do, in strict order: an event without an `event:` line
 *  is lost to them, blocks are numbered from 0 and open one at a time. Source: CLIENTS 9, 10 */
export function readMessages(reply: RawReply): Message {
  const reader = new MessageReader()
  for (const { event, data } of eventsOf(reply)) {
    const parsed = eventSchema.parse(JSON.parse(data))
    if (event !== parsed.type) throw new Error(`event ${event} holds a ${parsed.type}`)
    reader.read(parsed)
  }
  return reader.message()
}

class MessageReader {
  #start: Extract<MessagesEvent, { type: 'message_start' }>['message'] | undefined
  #blocks: { type: string; id: string; name: string; text: string; open: boolean }[] = []
  #end: Extract<MessagesEvent, { type: 'message_delta' }> | undefined
  #stopped = false

  read(event: MessagesEvent): void {
    if (event.type === 'ping') return
    if (event.type === 'error') throw new Error(event.error.message)
    if (this.#stopped) throw new Error(`${event.type} after message_stop`)
    if (event.type !== 'message_start' && !this.#start) throw new Error(`${event.type} before message_start`)
    switch (event.type) {
      case 'message_start':
        this.#start = event.message
        break
      case 'content_block_start':
        if (this.#blocks.at(-1)?.open || event.index !== this.#blocks.length)
          throw new Error(`block ${event.index} starts out of turn`)
        this.#blocks.push({ id: '', name: '', text: '', ...event.content_block, open: true })
        break
      case 'content_block_delta':
        this.#open(event.index).text += textOf(event.delta)
        break
      case 'content_block_stop':
        this.#open(event.index).open = false
        break
      case 'message_delta':
        this.#end = event
        break
      case 'message_stop':
        this.#stopped = true
    }
  }

  message(): Message {
    const start = this.#start
    const end = this.#end
    if (!start || !end || !this.#stopped) throw new Error('the message is not whole')
    if (this.#blocks.some(({ open }) => open)) throw new Error('a block was never stopped')
    return {
      id: start.id,
      model: start.model,
      blocks: this.#blocks.map(({ type, id, name, text }): Block => {
        if (type === 'tool_use') return { type, id, name, input: JSON.parse(text || '{}') }
        return { type: type === 'thinking' ? 'thinking' : 'text', text }
      }),
      stopReason: end.delta.stop_reason,
      outputTokens: end.usage.output_tokens,
    }
  }

  #open(index: number) {
    const block = this.#blocks[index]
    if (!block?.open) throw new Error(`block ${index} is not open`)
    return block
  }
}

function textOf(delta: z.infer<typeof deltaSchema>): string {
  switch (delta.type) {
    case 'text_delta':
      return delta.text
    case 'thinking_delta':
      return delta.thinking
    case 'input_json_delta':
      return delta.partial_json
    case 'signature_delta':
      return ''
  }
}

const deltaSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text_delta'), text: z.string() }),
  z.object({ type: z.literal('thinking_delta'), thinking: z.string() }),
  z.object({ type: z.literal('signature_delta'), signature: z.string() }),
  z.object({ type: z.literal('input_json_delta'), partial_json: z.string() }),
])

const blockSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.literal('') }),
  z.object({ type: z.literal('thinking'), thinking: z.literal('') }),
  z.object({
    type: z.literal('tool_use'),
    id: z.string().regex(/^[\w-]+$/),
    name: z.string().min(1),
    input: z.strictObject({}),
  }),
])

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ping') }),
  z.object({ type: z.literal('error'), error: z.object({ type: z.string(), message: z.string() }) }),
  z.object({
    type: z.literal('message_start'),
    message: z.object({
      id: z.string().startsWith('msg_'),
      type: z.literal('message'),
      role: z.literal('assistant'),
      model: z.string(),
      content: z.tuple([]),
      stop_reason: z.null(),
      stop_sequence: z.null(),
      usage: z.object({ input_tokens: z.int(), output_tokens: z.int() }),
    }),
  }),
  z.object({ type: z.literal('content_block_start'), index: z.int(), content_block: blockSchema }),
  z.object({ type: z.literal('content_block_delta'), index: z.int(), delta: deltaSchema }),
  z.object({ type: z.literal('content_block_stop'), index: z.int() }),
  z.object({
    type: z.literal('message_delta'),
    delta: z.object({
      stop_reason: z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use', 'refusal']),
      stop_sequence: z.string().nullable(),
    }),
    usage: z.object({ output_tokens: z.int() }),
  }),
  z.object({ type: z.literal('message_stop') }),
])

type MessagesEvent = z.infer<typeof eventSchema>
