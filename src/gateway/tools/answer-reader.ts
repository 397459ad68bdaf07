import type { ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import type { ToolUse } from '../../core/chat-request.ts'
import { CallParser, type CallPiece } from './call-parser.ts'
import { type CallFault, findFault, missingCall } from './find-fault.ts'

export interface AnswerReaderOptions {
  readonly tools: ToolUse
  readonly createCallId: () => string
  /** An answer without a call is at fault. */
  readonly mustCall: boolean
  /** False: of the text nothing but calls is handed on. */
  readonly withText: boolean
}

/** In UTF-16 units: what is kept of an answer in case that it has to be mended. */
const maxSaidLength = 256 * 1024

/** Reads one answer with the calls in its text; what is no text goes through. */
export class AnswerReader {
  /** Nothing more is to be read: `finished` has come, or there is a fault. */
  isOver = false
  /** Why the answer cannot be handed on to its end. */
  fault: CallFault | undefined
  /** What the model said, in its own form; kept where there may be a fault. */
  said = ''
  #mayFail: boolean
  #options: AnswerReaderOptions
  #parser: CallParser
  /** What must not come in between the parts of a call. */
  #waiting: ChatEvent[] = []

  constructor(options: AnswerReaderOptions) {
    this.#options = options
    this.#mayFail = options.mustCall || options.tools.definitions.some(({ strict }) => strict)
    this.#parser = new CallParser(options.tools)
  }

  /** @returns what is to be handed on
   *  @throws {UpstreamError} `malformed`: a call that has been handed on in part is none */
  async read(batch: ChatEventBatch): Promise<ChatEventBatch> {
    const out: ChatEvent[] = []
    for (const event of batch) {
      for (const piece of this.#takeApart(event)) {
        if (piece.type === 'call') this.fault = await findFault(piece, this.#options.tools)
        else if (piece.type === 'finished') this.fault = this.#findMissing()
        this.isOver = piece.type === 'finished' || this.fault !== undefined
        if (this.fault) return out
        this.#handOn(piece, out)
      }
      if (this.isOver) return out
    }
    return out
  }

  #takeApart(event: ChatEvent): readonly (CallPiece | ChatEvent)[] {
    const parser = this.#parser
    if (event.type === 'finished') return [...parser.end(), ...this.#waiting, event]
    if (event.type === 'text-delta') {
      if (this.#mayFail && this.said.length < maxSaidLength) this.said += event.text
      if (parser.passes(event.text)) return [event]
      const pieces = parser.push(event.text)
      if (parser.isOver) return [...pieces, ...this.#waiting, { type: 'finished', reason: 'stop' }]
      return parser.isWithinCall || this.#waiting.length === 0
        ? pieces
        : [...pieces, ...this.#waiting.splice(0)]
    }
    if (!parser.isWithinCall) return [event]
    this.#waiting.push(event)
    return []
  }

  #findMissing(): CallFault | undefined {
    const { tools, mustCall } = this.#options
    return mustCall && this.#parser.calls === 0 ? missingCall(tools) : undefined
  }

  #handOn(piece: CallPiece | ChatEvent, out: ChatEvent[]): void {
    const { createCallId, withText } = this.#options
    if (piece.type === 'call' || piece.type === 'call-started')
      out.push({ type: 'tool-call-started', id: createCallId(), name: piece.name })
    if (piece.type === 'call' || piece.type === 'call-continued')
      out.push({ type: 'tool-call-delta', argumentsText: piece.argumentsText })
    else if (piece.type === 'finished' && this.#parser.calls > 0) out.push({ ...piece, reason: 'tool-calls' })
    else if (piece.type !== 'call-started' && (withText || piece.type !== 'text-delta')) out.push(piece)
  }
}
