import type { ToolDefinition, ToolUse } from '../../core/chat-request.ts'
import { UpstreamError } from '../../core/errors.ts'
import { CallReader, type CallText } from './call-reader.ts'

/** What the text of an answer is split into. */
export type CallPiece =
  | { readonly type: 'text-delta'; readonly text: string }
  | ({ readonly type: 'call' } & CallText)
  /** A call in parts: the arguments are long, so they go out as they come. */
  | { readonly type: 'call-started'; readonly name: string }
  | { readonly type: 'call-continued'; readonly argumentsText: string }

/** Arguments up to here are held until they are whole, in UTF-16 units. */
const maxHeldArguments = 4096
/** Anything longer is not taken for a call, in UTF-16 units. */
const maxCallLength = 4 * 1024 * 1024
const maxFillerLength = 256

/** Finds the calls in an answer as it comes. Text goes through at once, except for an end that may belong to a call. What
 *  looked like a call and turns out not to be one is text, except behind a call, where it ends the answer. */
export class CallParser {
  /** Calls so far. */
  calls = 0
  /** Something else began after the calls, which the model has made up (results, for example): the answer ends here. */
  isOver = false
  #tools: ReadonlyMap<string, ToolDefinition>
  #parallel: boolean
  #read: (text: string) => string = this.#readText
  #pieces: CallPiece[] = []
  /** The text since the lead-in of a call: sent as text if it does not become one. */
  #held = ''
  #filler = ''
  #call = new CallReader()
  #callLength = 0
  #live = false

  constructor({ definitions, choice, parallel }: ToolUse) {
    const callable = definitions.filter(({ name }) => choice.type !== 'named' || name === choice.name)
    this.#tools = new Map(callable.map((definition) => [definition.name, definition]))
    this.#parallel = parallel
  }

  /** Part of a call has been sent. */
  get isWithinCall(): boolean {
    return this.#live
  }

  /** True for text that need not be pushed, since nothing in it can belong to a call: most of an answer. */
  passes(text: string): boolean {
    return this.#read === this.#readText && this.#held === '' && text !== '' && !mayHoldMark.test(text)
  }

  /** @throws {UpstreamError} `malformed` when a call of which part has been sent never becomes whole */
  push(text: string): readonly CallPiece[] {
    let rest = text
    while (rest !== '' && !this.isOver) rest = this.#read(rest)
    return this.#take()
  }

  /** Ends the answer. @throws {UpstreamError} as `push` */
  end(): readonly CallPiece[] {
    if (this.isOver) return []
    if (this.#read === this.#readCall) this.#endCall()
    else if (this.calls === 0) this.#add(this.#held + this.#filler)
    this.isOver = true
    return this.#take()
  }

  #readText(text: string): string {
    const seen = this.#held + text
    const mark = opening.exec(seen)
    const from = findLeadIn(seen, mark ? mark.index : findPartOfOpening(seen))
    const to = mark ? mark.index + mark[0].length : seen.length
    this.#add(seen.slice(0, from))
    this.#held = seen.slice(from, to)
    if (mark) this.#read = this.#readFiller
    return seen.slice(to)
  }

  #readFiller(text: string): string {
    const seen = this.#filler + text
    const length = fillerLength(seen)
    const rest = seen.slice(length)
    if (seen.length <= maxFillerLength && mayBecomeFiller(rest)) {
      this.#filler = seen
      return ''
    }
    this.#filler = ''
    this.#held += seen.slice(0, length)
    if (rest.startsWith('{')) {
      this.#call = new CallReader()
      this.#callLength = 0
      this.#read = this.#readCall
    } else this.#giveUp()
    return rest
  }

  #readCall(text: string): string {
    const taken = this.#call.push(text)
    this.#callLength += taken
    if (!this.#live) this.#held += text.slice(0, taken)
    const { name } = this.#call
    const tool = this.#tools.get(name ?? '')
    if (tool && !tool.strict) this.#handOverLong(tool.name)
    if (this.#call.isOver) this.#endCall()
    else if ((name !== undefined && !tool) || this.#callLength > maxCallLength) this.#giveUp()
    return text.slice(taken)
  }

  #handOverLong(name: string): void {
    const argumentsText = this.#call.takeArguments(this.#live ? 0 : maxHeldArguments)
    if (argumentsText === '') return
    if (!this.#live) this.#pieces.push({ type: 'call-started', name })
    this.#live = true
    this.#pieces.push({ type: 'call-continued', argumentsText })
  }

  #endCall(): void {
    const call = this.#call.end()
    if (!call || !this.#tools.has(call.name)) return this.#giveUp()
    const { name, argumentsText, rest } = call
    if (!this.#live) this.#pieces.push({ type: 'call', name, argumentsText })
    else if (rest !== '') this.#pieces.push({ type: 'call-continued', argumentsText: rest })
    this.calls += 1
    this.isOver = !this.#parallel
    this.#live = false
    this.#held = ''
    this.#read = this.#readFiller
  }

  /** What is held does not become a call. */
  #giveUp(): void {
    if (this.#live) throw new UpstreamError('malformed', { message: 'The model broke off in a tool call.' })
    if (this.calls > 0) this.isOver = true
    else this.#add(this.#held)
    this.#held = ''
    this.#read = this.#readText
  }

  #add(text: string): void {
    if (text !== '') this.#pieces.push({ type: 'text-delta', text })
  }

  #take(): readonly CallPiece[] {
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }
}

/** A mark, or the lead-in of one. */
const mayHoldMark = /[<`\n]/

/** The start of a call, also of several in one mark. In inline code it is a quotation; in a code fence many models mean it. */
const opening = /(?<!(?<!`)`{1,2})<tool_calls?>/

/** Where at the end of `text` an opening may have begun. @returns the length of `text` when none has */
function findPartOfOpening(text: string): number {
  const at = text.lastIndexOf('<')
  return at >= 0 && '<tool_calls>'.startsWith(text.slice(at)) ? at : text.length
}

/** Where the lead-in of a call at `end` begins: a line break, the start of a code fence. It is dropped if the call comes. */
function findLeadIn(text: string, end: number): number {
  const start = Math.max(0, end - maxLeadInLength)
  return start + text.slice(start, end).search(leadIn)
}

/** Filler is what may stand before, between and after calls: white space, marks, fences, the signs of a list, a brace too many.
 *  @returns its length at the start of `text` */
const fillerLength = (text: string): number => filler.exec(text)?.[0].length ?? 0

/** With more text it may turn out to be filler. */
const mayBecomeFiller = (text: string): boolean => beginnings.some((whole) => whole.startsWith(text))

const maxLeadInLength = 64
const leadIn = /(?:\s*\n[ \t]*)?(?:`{1,2}|```[\w-]*\s*)?$/
const filler = /^(?:[\s[\],;}]|```[\w-]*|<\/?tool_calls?>)*/
const beginnings = ['<tool_calls>', '</tool_calls>', '```']
