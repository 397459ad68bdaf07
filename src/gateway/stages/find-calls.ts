import type { ToolDefinition, ToolUse } from '../../core/chat-request.ts'
import { UpstreamError } from '../../core/errors.ts'
import { CallsReader, type CallText, createNames, type FoundCall, mayBeginCalls } from './read-calls.ts'

/** What the text of an answer is split into. */
export type CallPiece =
  | { readonly type: 'text-delta'; readonly text: string }
  | ({ readonly type: 'call' } & CallText)
  /** A call in parts: the arguments are long, so they go out as they come. */
  | { readonly type: 'call-started'; readonly name: string }
  | { readonly type: 'call-continued'; readonly argumentsText: string }

/** What ends an answer and may be a call: only the model can tell. */
export interface Doubt {
  /** `unclear`: it can be read, but stands where a call may only be shown. */
  readonly type: 'unreadable' | 'unknown' | 'unclear'
  /** Of an unknown tool. */
  readonly name?: string
  /** As the model wrote it. */
  readonly text: string
}

export interface FindCallsOptions {
  /** There has to be a call: one that stands where it may only be shown is one. */
  readonly isForced: boolean
  /** The model has been asked once more: a call of an unknown tool is handed on as it is. */
  readonly isRepair: boolean
}

/** Finds the calls in an answer as it comes. A call begins a line, stands in no quotes and in no code fence that shows it, and
 *  nothing but calls follows it. Anything else is text and goes through at once, except for an end that may belong to a call. */
export class CallFinder {
  /** Calls so far. */
  calls = 0
  /** Something else began after the calls, which the model has made up (results, for example): the answer ends here. */
  isOver = false
  /** Set by the end of the answer. */
  doubt: Doubt | undefined
  #tools: ReadonlyMap<string, ToolDefinition>
  #names: ReturnType<typeof createNames>
  #parallel: boolean
  #options: FindCallsOptions
  #pieces: CallPiece[] = []
  /** White space with a line break, which is dropped if calls come behind it. */
  #space = ''
  /** What was read and may begin a line, a fence or calls. */
  #open = ''
  /** The end of the text, up to where calls may begin. */
  #tail = ''
  /** The sign and length of the code fence that is open. */
  #fence = ''
  #reader: CallsReader | undefined
  #place: Place = 'clear'
  /** Of the calls of the reader, those that have been sent. */
  #sent = 0
  #live: { readonly parts: string[] } | undefined

  constructor({ definitions, choice, parallel }: ToolUse, options: FindCallsOptions) {
    const callable = definitions.filter(({ name }) => choice.type !== 'named' || name === choice.name)
    this.#tools = new Map(callable.map((definition) => [definition.name, definition]))
    this.#names = createNames([...this.#tools.keys()])
    this.#parallel = parallel
    this.#options = options
  }

  /** Part of a call has been sent. */
  get isWithinCall(): boolean {
    return this.#live !== undefined
  }

  /** True for text that need not be pushed, since nothing in it can belong to a call: most of an answer. */
  passes(text: string): boolean {
    if (this.#reader || this.#open !== '' || this.#space !== '' || this.#tail === '') return false
    if (text === '' || mayHoldMark.test(text)) return false
    const last = this.#tail.charAt(this.#tail.length - 1)
    if (last === '\n' || last === ' ' || last === '>') return false
    this.#note(text)
    return true
  }

  /** @throws {UpstreamError} `malformed` when a call of which part has been sent never becomes whole */
  push(text: string): readonly CallPiece[] {
    this.#read(text, false)
    return this.#take()
  }

  /** Ends the answer. @throws {UpstreamError} as `push` */
  end(): readonly CallPiece[] {
    if (!this.isOver) {
      this.#read('', true)
      this.#endCalls()
      this.#add(this.#space + this.#open)
      this.isOver = true
    }
    return this.#take()
  }

  #read(text: string, isLast: boolean): void {
    let rest = text
    while (!this.isOver) {
      if (!this.#reader) {
        const begin = this.#readText(rest, isLast)
        if (begin === undefined) return
        rest = begin
      }
      const reader = this.#reader
      if (!reader) return
      reader.push(rest, isLast)
      this.#handOver(reader)
      if (reader.state === 'reading') return
      if (reader.state === 'over' && this.#isClean(reader)) {
        this.#endCalls()
        this.isOver = true
        return
      }
      rest = this.#takeBack(reader)
      if (rest === '') return
    }
  }

  /** @returns the text with which calls may begin */
  #readText(text: string, isLast: boolean): string | undefined {
    const seen = this.#open + text
    this.#open = ''
    let at = 0
    while (at < seen.length) {
      const step = this.#stepIn(seen, at, isLast)
      if (step === 'wait') {
        this.#hold(seen.slice(0, at))
        this.#open = seen.slice(at)
        return undefined
      }
      if (step === 'calls') {
        this.#hold(seen.slice(0, at))
        this.#reader = new CallsReader(
          this.#names,
          this.#tools,
          this.#fence === '' && !beginsLine(this.#line()),
        )
        this.#place =
          this.#fence === '' ? placeOf(this.#tail, this.#line(), seen.slice(at, at + 64)) : 'fenced'
        return seen.slice(at)
      }
      this.#note(seen.slice(at, step))
      at = step
    }
    this.#hold(seen)
    return undefined
  }

  /** @returns how far the text is no part of a call, or that more of it has to come */
  #stepIn(seen: string, at: number, isLast: boolean): number | 'wait' | 'calls' {
    const line = this.#line()
    const unit = seen.charAt(at)
    if (unit === '\n') return at + 1
    if (beginsLine(line)) {
      if (unit === ' ' || unit === '\t') return at + 1
      if (unit === '`' || unit === '~') return this.#stepAtFence(seen, at, isLast)
      if (this.#fence === '' && !isWhite(unit)) {
        const begins = mayBeginCalls(seen, at, isLast)
        if (begins !== false) return begins ? 'calls' : 'wait'
      }
      if (this.#fence !== '' && unit === '<') {
        const part = seen.slice(at, at + longestMark).toLowerCase()
        if (inlineMarks.some((mark) => part.startsWith(mark))) return 'calls'
        if (!isLast && inlineMarks.some((mark) => mark.startsWith(part))) return 'wait'
      }
    } else if (unit === '<' && this.#fence === '' && !isQuoted(line)) {
      const part = seen.slice(at, at + longestMark).toLowerCase()
      if (inlineMarks.some((mark) => part.startsWith(mark))) return 'calls'
      if (!isLast && inlineMarks.some((mark) => mark.startsWith(part))) return 'wait'
    }
    if (unit === '<') {
      const tag = /^<\/think(?:ing)?>/.exec(seen.slice(at, at + longestMark))
      if (tag) return at + tag[0].length
      if (!isLast && '</thinking>'.startsWith(seen.slice(at))) return 'wait'
      if (!isLast && '</think>'.startsWith(seen.slice(at))) return 'wait'
    }
    pointOfInterest.lastIndex = at + 1
    return pointOfInterest.exec(seen)?.index ?? seen.length
  }

  #stepAtFence(seen: string, at: number, isLast: boolean): number | 'wait' | 'calls' {
    const ahead = seen.slice(at, at + maxFenceLength)
    const isCut = ahead.length < maxFenceLength && !isLast
    const lineBreak = ahead.indexOf('\n')
    if (lineBreak === -1) return isCut && /^(`+|~+)[^\n`]*$/.test(ahead) ? 'wait' : at + 1
    const fence = /^(`{3,}|~{3,})[ \t]*([\w-]*)[ \t]*$/.exec(ahead.slice(0, lineBreak).trimEnd())
    if (!fence || this.#fence !== '') return at + 1
    const inner = ahead.slice(lineBreak).trimStart()
    if (inner === '') return isCut ? 'wait' : at + lineBreak + 1
    if (fence[1] !== '```') return at + lineBreak + 1
    return /^[<[{]/.test(inner) ? 'calls' : at + lineBreak + 1
  }

  /** Lets text out, but for line breaks at its end, which are dropped if calls come behind them. */
  #hold(text: string): void {
    let end = text.length
    while (end > 0 && isWhite(text.charAt(end - 1))) end -= 1
    if (end === 0 && this.#space !== '') {
      this.#space += text
      return
    }
    const lineBreak = text.indexOf('\n', end)
    const to = lineBreak === -1 ? text.length : lineBreak
    this.#add(this.#space + text.slice(0, to))
    this.#space = text.slice(to)
  }

  /** Keeps in mind where the text stands. */
  #note(text: string): void {
    let from = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      this.#extendTail(text.slice(from, end))
      this.#noteLine(this.#line())
      this.#extendTail('\n')
      from = end + 1
    }
    if (from < text.length) this.#extendTail(text.slice(from))
  }

  #extendTail(text: string): void {
    this.#tail = text.length >= tailLength ? text.slice(-tailLength) : this.#tail + text
    if (this.#tail.length > 2 * tailLength) this.#tail = this.#tail.slice(-tailLength)
  }

  #noteLine(line: string): void {
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line)
    if (!mark?.[1]) return
    const [, signs, info = ''] = mark
    if (this.#fence === '') {
      if (!(signs.startsWith('`') && info.includes('`'))) this.#fence = signs
    } else if (signs.startsWith(this.#fence) && info.trim() === '') this.#fence = ''
  }

  #line(): string {
    return this.#tail.slice(this.#tail.lastIndexOf('\n') + 1)
  }

  /** What looked like calls is text. @returns what has not been read of it */
  #takeBack(reader: CallsReader): string {
    if (this.#live) throw new UpstreamError('malformed', { message: 'The model broke off in a tool call.' })
    this.#reader = undefined
    let { taken, rest } = reader
    if (taken === '') {
      taken = rest.slice(0, 1)
      rest = rest.slice(1)
    }
    this.#note(taken)
    this.#hold(taken)
    return rest
  }

  /** Sends what has come of a call that is long, and every call before it. */
  #handOver(reader: CallsReader): void {
    const { reading } = reader
    if (this.#live && reading?.index !== this.#sent) {
      // Its end waits for what follows: another call, or the end of the answer.
      const ended = reader.calls[this.#sent]
      if (reading && this.#mayGoLive(reading.name) && isWhole(ended)) this.#sendLive(ended)
    }
    if (!reading || this.#place !== 'clear' || reader.isInline || !this.#mayGoLive(reading.name)) return
    if (!reader.calls.every((call) => call.known && isWhole(call))) return
    if (!this.#parallel && reading.index > 0) return
    const argumentsText = reader.takeArguments(this.#live ? 0 : maxHeldArguments)
    if (argumentsText === '') return
    if (!this.#live) {
      for (const call of reader.calls.slice(this.#sent)) if (isWhole(call)) this.#send(call)
      this.#pieces.push({ type: 'call-started', name: reading.name })
      this.#live = { parts: [] }
    }
    this.#live.parts.push(argumentsText)
    this.#pieces.push({ type: 'call-continued', argumentsText })
  }

  #mayGoLive(name: string): boolean {
    const tool = this.#tools.get(name)
    return tool !== undefined && !tool.strict
  }

  #send(call: CallText): void {
    if (this.#live) return this.#sendLive(call)
    this.#sent += 1
    if (!this.#parallel && this.calls > 0) return
    this.calls += 1
    this.#pieces.push({ type: 'call', name: call.name, argumentsText: call.argumentsText })
  }

  /** The end of a long call. */
  #sendLive({ argumentsText }: CallText): void {
    if (argumentsText !== '') this.#pieces.push({ type: 'call-continued', argumentsText })
    this.#live = undefined
    this.#sent += 1
    this.calls += 1
  }

  /** There is no doubt about any of the calls. */
  #isClean({ calls, isUnreadable, isInline }: CallsReader): boolean {
    const { isForced, isRepair } = this.#options
    const isClear =
      this.#place !== 'fenced' && (isForced ? this.#place !== 'shown' : this.#place === 'clear' && !isInline)
    return isClear && !isUnreadable && calls.every((call) => isWhole(call) && (call.known || isRepair))
  }

  /** No more text follows the calls. */
  #endCalls(): void {
    const reader = this.#reader
    if (!reader) return
    this.#reader = undefined
    const { isForced, isRepair } = this.#options
    const place = this.#placeAtEnd(reader)
    const text = this.#space + reader.taken + reader.rest
    const isShown = place === 'shown' || reader.state === 'text'
    const isDoubtful = place === 'unclear' && !isForced
    const fault = reader.calls.findIndex((call) => !isWhole(call) || (!call.known && !isRepair))
    const isBroken = fault !== -1 || reader.isUnreadable
    if (this.#live && !isWhole(reader.calls[this.#sent])) this.#takeBack(reader)
    if (!isShown && !(isDoubtful && isBroken) && (reader.calls.length > 0 || isBroken)) {
      if (isDoubtful) this.doubt = { type: 'unclear', text }
      else {
        const good = fault === -1 ? reader.calls : reader.calls.slice(0, fault)
        for (const call of good.slice(this.#sent)) if (isWhole(call)) this.#send(call)
        const bad = reader.calls[fault]
        if (isWhole(bad)) this.doubt = { type: 'unknown', name: bad.name, text }
        // Half a call behind others is left out.
        else if (bad || (isBroken && this.calls === 0)) this.doubt = { type: 'unreadable', text }
      }
      this.#space = ''
      return
    }
    this.#add(text)
    this.#space = ''
  }

  /** In a fence calls are shown, unless the model has forgotten to close it. */
  #placeAtEnd({ isInline, taken }: CallsReader): Place {
    if (this.#place === 'fenced') return /^[ \t]*[`~]{3,}[ \t]*$/m.test(taken) ? 'shown' : 'unclear'
    return isInline && this.#place === 'clear' ? 'unclear' : this.#place
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

/** Arguments up to here are held until they are whole, in UTF-16 units. */
const maxHeldArguments = 4096
const maxFenceLength = 128
const tailLength = 320

const mayHoldMark = /[<\n]/
/** Where a line ends, and where a mark may begin. */
const pointOfInterest = /\n|<(?=tool_call|function|invoke|minimax|[|｜]tool|\/think|[^<\n]{0,16}$)/gi

const isWhole = (call: FoundCall | undefined): call is FoundCall & CallText =>
  call?.argumentsText !== undefined

const isWhite = (unit: string): boolean => unit === ' ' || unit === '\n' || unit === '\t' || unit === '\r'

/** Marks that stand for a call wherever they are, though one within a line is only asked about. */
const inlineMarks = [
  '<tool_call',
  '<function_call',
  '<|tool_call',
  '<｜tool',
  '<minimax:tool_call',
  '<invoke name=',
  '<function=',
]
const longestMark = Math.max(...inlineMarks.map(({ length }) => length))

/** May calls begin behind this beginning of a line? So they may behind the end of what a model thought aloud. */
const beginsLine = (line: string): boolean => /^ {0,3}$/.test(line) || /<\/think(?:ing)?>\s*$/.test(line)

/** The line ends within inline code, or behind a quote. */
const isQuoted = (line: string): boolean =>
  /["'`‘“«「(]$/.test(line) ||
  line.startsWith('>') ||
  line.startsWith('|') ||
  line.split('`').length % 2 === 0

/** `clear`: what stands there is called; `shown`: it is an example; `fenced`: it is one if its fence is closed. */
type Place = 'clear' | 'unclear' | 'shown' | 'fenced'

/** Judges by the words before. In a code fence a model may call or show. */
function placeOf(tail: string, line: string, beginning: string): Place {
  const before = tail.slice(0, tail.length - line.length).trimEnd()
  const words = before.slice(Math.max(0, before.lastIndexOf('\n\n'), before.length - 200))
  const isShown = showing.test(words)
  if (!beginning.startsWith('```')) return isShown && words.endsWith(':') ? 'unclear' : 'clear'
  if (/^```(?:tool|function)/.test(beginning)) return 'clear'
  if (isShown) return 'shown'
  return words === '' || /<\/think(?:ing)?>$/.test(words) || announcing.test(words) ? 'clear' : 'unclear'
}

const showing =
  /\b(?:examples?|e\.g\.|for instance|such as|sample|format|syntax|schema|template|illustrat\w*|would|could|looks? like|like (?:this|so)|(?:do|did|does|must|will|can|should|have|has|was|is) not|\w+n['’]t|never|writes|documentation)\b|例如|示例|例子|格式|比如|不要/i
const announcing =
  /\b(?:I['’](?:ll|m)|I will|I am|let me|let['’]s|now|first|next|(?:check|call|look|read|runn|search|fetch|us|list|writ|gett)ing|I (?:check|call|run|read|look|search|fetch|write|need|use|list|start))\b|我来|我将|让我|我先|我会|现在|正在|接下来/i
