import type { ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import type { ToolUse } from '../../core/chat-request.ts'
import { ServiceError, UpstreamError } from '../../core/errors.ts'
import { createJsonCheck } from './check-json.ts'
import { CallFinder, type CallPiece, type Doubt } from './find-calls.ts'
import type { CallText } from './read-calls.ts'
import { writeCall } from './render-prompt.ts'
import { type AskAgain, runStage, withoutUsage } from './stage.ts'

export interface CallToolsOptions {
  readonly askAgain: AskAgain
  readonly createCallId: () => string
}

/** Makes tool calls of the text in which a model calls tools. The model is asked once more for a required call that does not come,
 *  for a strict one whose arguments do not fit, and about what may be a call but cannot be read or stands where it may only be
 *  shown: if it writes no call then, or no answer comes, that was text, and what it says instead follows.
 *  @throws {UpstreamError} `malformed` when a call that has to come does not, or when one of which part has been sent never
 *    becomes whole */
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
      reader = new AnswerReader({ tools, createCallId, isRepair, first: reader })
      return fault.text === undefined
        ? await askAgain(said, fault.complaint)
        : orEnd(() => askAgain(said, fault.complaint))
    },
  })
}

/** An answer that may as well not come: then it ends. Nothing of a failure is hidden but that of the second ask. */
async function* orEnd(
  ask: () => Promise<AsyncIterable<ChatEventBatch>>,
): AsyncGenerator<ChatEventBatch, undefined> {
  try {
    yield* await ask()
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    yield [{ type: 'finished', reason: 'stop' }]
  }
}

export interface AnswerReaderOptions {
  readonly tools: ToolUse
  readonly createCallId: () => string
  /** The second answer to one request. What there was to say has been said: only calls are wanted. */
  readonly isRepair: boolean
  /** What the first answer came to. */
  readonly first?: Pick<AnswerReader, 'fault' | 'calls' | 'said'>
}

/** In UTF-16 units: how much of the end of an answer is kept in case it has to be mended. */
const maxSaidLength = 256 * 1024

/** Turns the calls in the text of one answer into events; other events go through. */
export class AnswerReader {
  /** Nothing more is to be read: `finished` has come, or there is a fault. */
  isOver = false
  /** Why the rest of the answer cannot be sent. */
  fault: CallFault | undefined
  /** What the model wrote, calls included. */
  said = ''
  #mustCall: boolean
  /** The client wants a call and nothing else: OpenAI and Anthropic give no text then either. */
  #dropsText: boolean
  #options: AnswerReaderOptions
  #finder: CallFinder
  /** Events that came within a call, whose parts must follow one another. */
  #waiting: ChatEvent[] = []
  /** What a second answer says beside calls. */
  #words = ''

  constructor(options: AnswerReaderOptions) {
    const { tools, isRepair, first } = options
    const isForced = tools.choice.type !== 'auto'
    this.#options = options
    this.#mustCall = isForced || (isRepair && first?.fault?.text === undefined)
    this.#dropsText = isForced || isRepair
    this.#finder = new CallFinder(tools, { isForced, isRepair })
  }

  /** Calls of this answer and of the one before it. */
  get calls(): number {
    return this.#finder.calls + (this.#options.first?.calls ?? 0)
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
    if (event.type !== 'text-delta') return !this.#finder.isWithinCall
    if (this.#dropsText || !this.#finder.passes(event.text)) return false
    this.#keep(event.text)
    return true
  }

  async #readFrom(batch: ChatEventBatch, start: number): Promise<ChatEventBatch> {
    const out = batch.slice(0, start)
    for (const event of batch.slice(start)) {
      for (const piece of this.#takeApart(event)) {
        if (piece.type === 'call') this.fault = await findFault(piece, this.#options.tools)
        else if (piece.type === 'finished') this.fault = this.#findDoubt(piece) ?? this.#findMissing()
        this.isOver = piece.type === 'finished' || this.fault !== undefined
        if (this.fault) return out
        if (piece.type === 'finished') this.#giveBack(out)
        this.#emit(piece, out)
      }
      if (this.isOver) return out
    }
    return out
  }

  #takeApart(event: ChatEvent): readonly (CallPiece | ChatEvent)[] {
    const finder = this.#finder
    if (event.type === 'finished') return [...finder.end(), ...this.#waiting, event]
    if (event.type === 'text-delta') {
      this.#keep(event.text)
      const pieces = finder.push(event.text)
      if (finder.isOver) return [...pieces, ...this.#waiting, { type: 'finished', reason: 'stop' }]
      return finder.isWithinCall || this.#waiting.length === 0
        ? pieces
        : [...pieces, ...this.#waiting.splice(0)]
    }
    if (!finder.isWithinCall) return [event]
    this.#waiting.push(event)
    return []
  }

  #keep(text: string): void {
    this.said += text
    if (this.said.length > 2 * maxSaidLength) this.said = this.said.slice(-maxSaidLength)
  }

  /** An answer that was cut short is not asked about. */
  #findDoubt({ reason }: Finished): CallFault | undefined {
    const { doubt } = this.#finder
    if (!doubt || this.#options.isRepair || reason === 'length') return undefined
    return doubtfulCall(doubt, this.#options.tools)
  }

  #findMissing(): CallFault | undefined {
    return this.#mustCall && this.#finder.calls === 0 ? missingCall(this.#options.tools) : undefined
  }

  /** What turned out to be no call is text after all, and so is what the model said when it was asked about it. */
  #giveBack(out: ChatEvent[]): void {
    const { isRepair, first, tools } = this.#options
    if (this.calls > 0 || tools.choice.type !== 'auto') return
    const doubtful = isRepair ? first?.fault?.text : this.#finder.doubt?.text
    const text = [doubtful ?? '', isRepair ? newWords(this.#words, first?.said ?? '') : '']
      .filter(Boolean)
      .join('\n\n')
    if (text !== '') out.push({ type: 'text-delta', text })
  }

  #emit(piece: CallPiece | ChatEvent, out: ChatEvent[]): void {
    const { createCallId, isRepair } = this.#options
    if (piece.type === 'call' || piece.type === 'call-started')
      out.push({ type: 'tool-call-started', id: createCallId(), name: piece.name })
    if (piece.type === 'call' || piece.type === 'call-continued')
      out.push({ type: 'tool-call-delta', argumentsText: piece.argumentsText })
    else if (piece.type === 'finished') {
      const finished = isRepair ? withoutUsage(piece) : piece
      out.push(this.calls > 0 ? { ...finished, reason: 'tool-calls' } : finished)
    } else if (piece.type === 'text-delta' && this.#dropsText) {
      if (isRepair && this.#words.length < maxSaidLength) this.#words += piece.text
    } else if (piece.type !== 'call-started') out.push(piece)
  }
}

/** Of a second answer without calls what is neither the word that was asked for nor the first answer once more. */
function newWords(words: string, said: string): string {
  const text = words.replace(/^\W*NONE\b[\s*_"'`.!,:;]*/, '').trim()
  return said.includes(text) || /^\W*none\W*$/i.test(text) ? '' : text
}

type Finished = Extract<ChatEvent, { type: 'finished' }>

/** Why an answer cannot be sent. */
interface CallFault {
  /** For the model, which is asked again. */
  readonly complaint: string
  /** For people, when that fails. */
  readonly message: string
  /** What is to be sent as text if the model writes no call then either. Undefined where there has to be one. */
  readonly text?: string
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

/** The end of the answer may be a call. */
function doubtfulCall({ type, name = '', text }: Doubt, { definitions, choice }: ToolUse): CallFault {
  const form = `${onlyCalls} This is the form:
${writeCall(choice.type === 'named' ? choice.name : 'name_of_the_tool', '{"name_of_a_parameter":"value"}')}`
  const wrong = {
    unreadable: 'What looks like a call at the end of your answer was not run, since it cannot be read.',
    unknown: `The call of ${JSON.stringify(name.slice(0, 100))} was not run, since there is no such tool. The tools are: ${definitions.map((each) => each.name).join(', ')}.`,
    unclear:
      'The call at the end of your answer was not run, since it does not stand on a line of its own outside of quotes and code fences.',
  }[type]
  const fault = {
    complaint: `${wrong} If you meant it, write the call again. ${form}
If you meant no call, answer with the word NONE.`,
    message:
      type === 'unknown'
        ? `The model called ${name}, which is no tool.`
        : 'The model did not keep to the form of a call.',
  }
  return choice.type === 'auto' ? { ...fault, text } : fault
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
