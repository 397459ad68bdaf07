import type { ChatEvent } from '../../core/chat-event.ts'
import { UpstreamError } from '../../core/errors.ts'
import { encodeDelta, toLine } from '../event-text.ts'
import type { StreamEncoder } from '../stream-encoder.ts'
import { thinkingSignature } from '../turns.ts'
import { encodeError } from './encode-error.ts'
import {
  encodeEnd,
  encodeMessage,
  encodeMessageUsage,
  type MessageOptions,
  toolUseId,
} from './encode-message.ts'

export interface MessageStreamOptions extends MessageOptions {
  /** Named in an error. */
  readonly requestId: string
}

/** Encodes the stream of one answer, from `message_start` to `message_stop`. One that breaks has an `error` and no
 *  `message_stop`: Claude Code asks again then, without a stream. */
export function createMessageStreamEncoder(options: MessageStreamOptions): StreamEncoder {
  const { input, usage, requestId } = options
  const blocks = createBlockEncoder(options.showThinking)
  let begun = false
  let refused = false
  let finished: Extract<ChatEvent, { type: 'finished' }> | undefined

  function encodeStart(): string {
    begun = true
    const soFar = { prompt: input.soFar(), completion: 0, reasoning: 0 }
    return encodeEvent('message_start', { message: encodeMessage(options, [], undefined, soFar) })
  }

  function encodeOne(event: ChatEvent): string {
    if (event.type === 'progress') return ping
    if (event.type === 'refusal') refused = true
    else if (event.type === 'finished') finished = event
    const start = begun ? '' : encodeStart()
    return start + blocks.encode(event)
  }

  return {
    encode(batch) {
      let output = ''
      for (const event of batch) {
        usage.add(event)
        output += encodeOne(event)
      }
      return output
    },

    async end() {
      if (!finished) throw new UpstreamError('reset')
      const end = { ...finished, refused }
      const counted = await usage.total()
      const delta = { ...encodeEnd(end), container: null }
      const last = encodeEvent('message_delta', { delta, usage: encodeMessageUsage(counted) })
      return blocks.close() + last + encodeEvent('message_stop', {})
    },

    encodeError: (error) => encodeEvent('error', encodeError(error, requestId)),
  }
}

const encodeEvent = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${toLine({ type, ...fields })}\n\n`

const ping = encodeEvent('ping', {})

/** Writes the content blocks of one stream: opens and closes them as they are needed. The head of a block's deltas is made once a
 *  block. */
function createBlockEncoder(showThinking: boolean) {
  let open: BlockType | undefined
  let index = -1
  let deltaHead = ''
  let seal: string | undefined

  function begin(type: BlockType, block: string): string {
    const closed = close()
    open = type
    index += 1
    const [delta, field] = deltaFields[type]
    deltaHead = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${delta}","${field}":`
    return `${closed}event: content_block_start\ndata: {"type":"content_block_start","index":${index},"content_block":${block}}\n\n`
  }

  /** Text goes into the block of its kind that is open, or opens one. */
  function write(type: 'text' | 'thinking', text: string): string {
    if (!text) return ''
    if (open === type) return encodeDelta(deltaHead, text, deltaTail)
    return begin(type, emptyBlocks[type]) + encodeDelta(deltaHead, text, deltaTail)
  }

  function close(): string {
    if (open === undefined) return ''
    const signed = open === 'thinking' ? signature(index, seal) : ''
    seal = undefined
    open = undefined
    return `${signed}event: content_block_stop\ndata: {"type":"content_block_stop","index":${index}}\n\n`
  }

  function encode(event: ChatEvent): string {
    switch (event.type) {
      case 'text-delta':
      case 'refusal':
        return write('text', event.text)
      case 'reasoning-delta':
        if (event.signature) seal = event.signature
        return showThinking ? write('thinking', event.text) : ''
      case 'tool-call-started':
        return begin('tool_use', toolUseBlock(event.id, event.name))
      case 'tool-call-delta':
        return event.argumentsText && encodeDelta(deltaHead, event.argumentsText, deltaTail)
      case 'finished':
      case 'project-started':
      case 'progress':
        return ''
      default:
        return event satisfies never
    }
  }

  return { encode, close }
}

type BlockType = 'text' | 'thinking' | 'tool_use'

/** The type of a block's deltas and the field that holds their text. */
const deltaFields = {
  text: ['text_delta', 'text'],
  thinking: ['thinking_delta', 'thinking'],
  tool_use: ['input_json_delta', 'partial_json'],
} as const satisfies Record<BlockType, readonly [string, string]>

const deltaTail = '}}\n\n'

const emptyBlocks = {
  text: '{"type":"text","text":"","citations":null}',
  thinking: '{"type":"thinking","thinking":"","signature":""}',
} as const

const toolUseBlock = (id: string, name: string): string =>
  `{"type":"tool_use","id":${toLine(toolUseId(id))},"name":${toLine(name)},"input":{},"caller":{"type":"direct"}}`

const signature = (index: number, seal = thinkingSignature): string =>
  `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"signature_delta","signature":${toLine(seal)}}}\n\n`
