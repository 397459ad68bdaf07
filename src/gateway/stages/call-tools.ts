import type { ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import type { ToolUse } from '../../core/chat-request.ts'
import { UpstreamError } from '../../core/errors.ts'
import { CallParser, type CallPiece } from './call-parser.ts'
import type { CallText } from './call-reader.ts'
import { createJsonCheck } from './check-json.ts'
import { writeCall } from './render-prompt.ts'
import { type AskAgain, runStage, withoutUsage } from './stage.ts'

export interface CallToolsOptions {
  readonly askAgain: AskAgain
  readonly createCallId: () => string
}

/** Makes tool calls of the text in which a model calls tools. A required call that does not come, or a strict one whose
 *  arguments do not fit, is asked for once more.
 *  @throws {UpstreamError} `malformed` when that fails, or when a call of which part has been sent never becomes whole */
export function callTools(
  events: AsyncIterable<ChatEventBatch>,
  tools: ToolUse,
  { askAgain, createCallId }: CallToolsOptions,
): AsyncIterable<ChatEventBatch> {
  let isRepair = false
  let reader = new AnswerReader({ tools, createCallId, isRepair })

  return runStage(events, {
    push: (batch) => reader.read(batch),
    get isOver() {
      return reader.isOver
    },
    async resume() {
      const { fault, said } = reader
      if (!fault) return undefined
      if (isRepair) throw new UpstreamError('malformed', { message: fault.message })
      isRepair = true
      reader = new AnswerReader({ tools, createCallId, isRepair })
      return await askAgain(said, fault.complaint)
    },
  })
}

export interface AnswerReaderOptions {
  readonly tools: ToolUse
  readonly createCallId: () => string
  /** The second answer to one request. What there was to say has been said: only calls are wanted, and at least one. */
  readonly isRepair: boolean
}

/** In UTF-16 units: how much of an answer is kept in case it has to be mended. */
const maxSaidLength = 256 * 1024

/** Turns the calls in the text of one answer into events; other events go through. */
export class AnswerReader {
  /** Nothing more is to be read: `finished` has come, or there is a fault. */
  isOver = false
  /** Why the rest of the answer cannot be sent. */
  fault: CallFault | undefined
  /** What the model wrote, calls included; kept only if there may be a fault. */
  said = ''
  #mustCall: boolean
  #mayFail: boolean
  #options: AnswerReaderOptions
  #parser: CallParser
  /** Events that came within a call, whose parts must follow one another. */
  #waiting: ChatEvent[] = []

  constructor(options: AnswerReaderOptions) {
    const { tools, isRepair } = options
    this.#options = options
    this.#mustCall = isRepair || tools.choice.type !== 'auto'
    this.#mayFail = this.#mustCall || tools.definitions.some(({ strict }) => strict)
    this.#parser = new CallParser(tools)
  }

  /** @returns what is to be sent
   *  @throws {UpstreamError} `malformed` when a call of which part has been sent never becomes whole */
  read(batch: ChatEventBatch): ChatEventBatch | Promise<ChatEventBatch> {
    for (let index = 0; index < batch.length; index += 1) {
      const event = batch[index]
      if (event && !this.#passes(event)) return this.#readFrom(batch, index)
    }
    return batch
  }

  /** Most of an answer is not part of a call. */
  #passes(event: ChatEvent): boolean {
    if (event.type === 'finished') return false
    if (event.type !== 'text-delta') return !this.#parser.isWithinCall
    if (this.#options.isRepair || !this.#parser.passes(event.text)) return false
    this.#keep(event.text)
    return true
  }

  async #readFrom(batch: ChatEventBatch, start: number): Promise<ChatEventBatch> {
    const out = batch.slice(0, start)
    for (const event of batch.slice(start)) {
      for (const piece of this.#takeApart(event)) {
        if (piece.type === 'call') this.fault = await findFault(piece, this.#options.tools)
        else if (piece.type === 'finished') this.fault = this.#findMissing()
        this.isOver = piece.type === 'finished' || this.fault !== undefined
        if (this.fault) return out
        this.#emit(piece, out)
      }
      if (this.isOver) return out
    }
    return out
  }

  #takeApart(event: ChatEvent): readonly (CallPiece | ChatEvent)[] {
    const parser = this.#parser
    if (event.type === 'finished') return [...parser.end(), ...this.#waiting, event]
    if (event.type === 'text-delta') {
      this.#keep(event.text)
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

  #keep(text: string): void {
    if (this.#mayFail && this.said.length < maxSaidLength) this.said += text
  }

  #findMissing(): CallFault | undefined {
    return this.#mustCall && this.#parser.calls === 0 ? missingCall(this.#options.tools) : undefined
  }

  #emit(piece: CallPiece | ChatEvent, out: ChatEvent[]): void {
    const { createCallId, isRepair } = this.#options
    if (piece.type === 'call' || piece.type === 'call-started')
      out.push({ type: 'tool-call-started', id: createCallId(), name: piece.name })
    if (piece.type === 'call' || piece.type === 'call-continued')
      out.push({ type: 'tool-call-delta', argumentsText: piece.argumentsText })
    else if (piece.type === 'finished') {
      const finished = isRepair ? withoutUsage(piece) : piece
      out.push(this.#parser.calls > 0 ? { ...finished, reason: 'tool-calls' } : finished)
    } else if (piece.type !== 'call-started' && !(isRepair && piece.type === 'text-delta')) out.push(piece)
  }
}

/** Why an answer cannot be sent. */
interface CallFault {
  /** For the model, which is asked again. */
  readonly complaint: string
  /** For people, when that fails. */
  readonly message: string
}

/** @returns undefined for arguments that fit, or need not fit */
async function findFault(
  { name, argumentsText }: CallText,
  { definitions }: ToolUse,
): Promise<CallFault | undefined> {
  const tool = definitions.find((definition) => definition.name === name)
  if (!tool?.strict) return undefined
  const check = await createJsonCheck(tool.parameters)
  const faults = await check(JSON.parse(argumentsText))
  if (faults === undefined) return undefined
  return {
    complaint: `That call of ${name} was not run, for its arguments do not fit the tool's parameters: ${faults}
Write the call again, mended, and any call that was to follow it. ${onlyCalls}`,
    message: `The model called ${name} with arguments that do not fit: ${faults}`,
  }
}

/** The answer holds no call though one is required. */
function missingCall({ choice }: ToolUse): CallFault {
  const wanted = choice.type === 'named' ? `the tool ${choice.name}` : 'one of the tools'
  const name = choice.type === 'named' ? choice.name : 'name_of_the_tool'
  return {
    complaint: `Your answer holds no call of ${wanted}, but it must. ${onlyCalls} This is the form:
${writeCall(name, '{"name_of_a_parameter":"value"}')}`,
    message: `The model did not call ${wanted}.`,
  }
}

const onlyCalls = 'Write nothing but calls.'
