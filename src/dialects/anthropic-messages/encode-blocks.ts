import type { ChatEvent } from '../../core/chat-event.ts'
import { splitText, toLine } from '../delta-text.ts'
import { thinkingSignature, toolUseId } from './encode-message.ts'

export interface BlockEncoder {
  /** Whole SSE events for what a client gets to see of this one; opens and closes blocks as they are needed. */
  encode(event: ChatEvent): string
  /** Closes what is open, at the end of a whole answer. */
  close(): string
}

/** Writes the content blocks of one stream. The fixed head of a block's deltas is made once a block. */
export function createBlockEncoder({ showThinking }: { readonly showThinking: boolean }): BlockEncoder {
  let open: BlockType | undefined
  let index = -1
  let deltaHead = ''

  function begin(type: BlockType, block: string): string {
    const closed = close()
    open = type
    index += 1
    const [delta, field] = deltaFields[type]
    deltaHead = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${delta}","${field}":`
    return `${closed}event: content_block_start\ndata: {"type":"content_block_start","index":${index},"content_block":${block}}\n\n`
  }

  function extend(text: string): string {
    let deltas = ''
    for (const part of splitText(text)) deltas += `${deltaHead}${toLine(part)}}}\n\n`
    return deltas
  }

  /** Text goes into the block of its kind that is open, or opens one. */
  function write(type: 'text' | 'thinking', text: string): string {
    if (!text) return ''
    return (open === type ? '' : begin(type, emptyBlocks[type])) + extend(text)
  }

  function close(): string {
    if (open === undefined) return ''
    const signed = open === 'thinking' ? signature(index) : ''
    open = undefined
    return `${signed}event: content_block_stop\ndata: {"type":"content_block_stop","index":${index}}\n\n`
  }

  return {
    encode(event) {
      switch (event.type) {
        case 'text-delta':
        case 'refusal':
          return write('text', event.text)
        case 'reasoning-delta':
          return showThinking ? write('thinking', event.text) : ''
        case 'tool-call-started':
          return begin('tool_use', toolUseBlock(event.id, event.name))
        case 'tool-call-delta':
          return event.argumentsText ? extend(event.argumentsText) : ''
        case 'finished':
        case 'project-started':
        case 'progress':
          return ''
        default:
          return event satisfies never
      }
    },
    close,
  }
}

type BlockType = 'text' | 'thinking' | 'tool_use'

/** The type of a block's deltas and the field that holds their text. */
const deltaFields = {
  text: ['text_delta', 'text'],
  thinking: ['thinking_delta', 'thinking'],
  tool_use: ['input_json_delta', 'partial_json'],
} as const satisfies Record<BlockType, readonly [string, string]>

const emptyBlocks = {
  text: '{"type":"text","text":"","citations":null}',
  thinking: '{"type":"thinking","thinking":"","signature":""}',
} as const

const toolUseBlock = (id: string, name: string): string =>
  `{"type":"tool_use","id":${toLine(toolUseId(id))},"name":${toLine(name)},"input":{},"caller":{"type":"direct"}}`

const signature = (index: number): string =>
  `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"signature_delta","signature":"${thinkingSignature}"}}\n\n`
