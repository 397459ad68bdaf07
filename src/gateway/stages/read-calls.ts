import type { ToolDefinition } from '../../core/chat-request.ts'
import { ObjectReader, parseJson, readObject } from './read-object.ts'

export interface CallText {
  readonly name: string
  /** A JSON object; of a long one what has not been taken. */
  readonly argumentsText: string
}

export interface FoundCall {
  /** That of the tool that is meant, else as the model wrote it. */
  readonly name: string
  readonly known: boolean
  /** Undefined when it cannot be read. */
  readonly argumentsText: string | undefined
}

type Step = 'between' | 'object' | 'members' | 'value' | 'words' | 'rubbish' | 'list' | 'brackets' | 'channel'

/** Reads calls that follow one another, in the form that models are taught and in those that they know by themselves: JSON in a
 *  mark, a fence or alone, elements of XML, lists of Python. Everything but calls, marks and white space makes it text. */
export class CallsReader {
  /** `text`: these are no calls. `over`: what follows them the model has made up. */
  state: 'reading' | 'text' | 'over' = 'reading'
  readonly calls: FoundCall[] = []
  /** Something in a mark is no call, or not whole. */
  isUnreadable = false
  readonly isInline: boolean
  #names: ReturnType<typeof createNames>
  #tools: ReadonlyMap<string, ToolDefinition>
  #taken: string[] = []
  #rest = ''
  #step: Step = 'between'
  /** A mark has come: what follows it is meant as a call. */
  #isMarked = false
  /** A name may come. */
  #expectsName = false
  /** Given by a mark, before its arguments. */
  #name: string | undefined
  #object = new ObjectReader()
  /** Of the open call, what has been handed out of its arguments. */
  #handedOut: string[] = []
  /** The members of a call in elements. */
  #members: Member[] = []
  #memberName = ''
  #isString: boolean | undefined
  #value: string[] = []
  #closing: Closing = 'parameter'
  #list = createListScan()
  /** Elements that are open around arguments, by their names. */
  #children: string[] = []

  constructor(
    names: ReturnType<typeof createNames>,
    tools: ReadonlyMap<string, ToolDefinition>,
    isInline: boolean,
  ) {
    this.#names = names
    this.#tools = tools
    this.isInline = isInline
  }

  /** What has been read of it. */
  get taken(): string {
    return this.#taken.join('')
  }

  /** What has not. */
  get rest(): string {
    return this.#rest
  }

  push(text: string, isLast: boolean): void {
    this.#rest += text
    while (this.state === 'reading') {
      const before = this.#rest.length
      const step = this.#step
      this.#readStep(isLast)
      if (this.#rest.length === before && this.#step === step) break
    }
    if (isLast && this.state === 'reading') this.#end()
  }

  /** The call of JSON whose arguments are being read. */
  get reading(): { readonly index: number; readonly name: string } | undefined {
    if (this.#step !== 'object') return undefined
    const name = this.#name ?? nameOf(this.#object.members, this.#names)
    const known = name === undefined ? undefined : this.#names.resolve(name)
    return known === undefined ? undefined : { index: this.calls.length, name: known }
  }

  /** Takes what has come of the arguments, to be sent before they are whole.
   *  @param minLength  nothing is taken below it, in UTF-16 units */
  takeArguments(minLength: number): string {
    const { open } = this.#object
    if (!open?.isObject || !argumentKeys.includes(open.key) || open.length <= minLength) return ''
    const text = this.#object.takeOpen()
    this.#handedOut.push(text)
    return text
  }

  #readStep(isLast: boolean): void {
    switch (this.#step) {
      case 'between':
        return this.#readBetween(isLast)
      case 'object':
        return this.#readObject(isLast)
      case 'members':
        return this.#readMembers(isLast)
      case 'value':
        return this.#readValue(isLast)
      case 'words':
        return this.#readWords(isLast)
      case 'rubbish':
        return this.#readRubbish(isLast)
      case 'list':
        return this.#readList()
      case 'brackets':
        return this.#readBrackets(isLast)
      case 'channel':
        return this.#readChannel(isLast)
      default:
        return this.#step satisfies never
    }
  }

  #take(length: number): string {
    const taken = this.#rest.slice(0, length)
    this.#taken.push(taken)
    this.#rest = this.#rest.slice(length)
    return taken
  }

  #readBetween(isLast: boolean): void {
    const space = matchStart(between, this.#rest)
    if (space) {
      this.#take(space.length)
      return
    }
    const sign = this.#rest.charAt(0)
    const isPart = !isLast && this.#rest.length < maxTag
    if (sign === '') return
    if (sign === '<') return this.#readTag(isLast)
    if (sign === '{') return this.#beginObject()
    if (sign === '`') {
      const fence = matchStart(/^```[\w-]*/, this.#rest)
      if (isPart && (fence.length === this.#rest.length || '```'.startsWith(this.#rest))) return
      if (!fence && !(this.calls.length > 0 && /^`{1,2}$/.test(this.#rest))) return this.#giveUp()
      if (!fence) {
        this.#take(this.#rest.length)
        return
      }
      if (/^```(?:tool|function)/.test(fence)) this.#isMarked = true
      this.#take(fence.length)
      return
    }
    if (sign === '[') return this.#readBracket(isPart)
    if (sign === '(' && this.#isMarked && this.#name !== undefined) {
      this.#step = 'brackets'
      this.#list = createListScan()
      return
    }
    if (sign === ']' || sign === '}') {
      if (this.calls.length === 0 && !this.#isMarked) return this.#giveUp()
      this.#take(1)
      return
    }
    if (
      this.calls.length === 0 &&
      this.#taken.length === 0 &&
      'functools'.startsWith(this.#rest.slice(0, 9))
    ) {
      if (this.#rest.length < 10 && isPart) return
      if (!this.#rest.startsWith('functools[')) return this.#giveUp()
      this.#isMarked = true
      this.#take(9)
      return
    }
    if (this.#expectsName) {
      const name = matchStart(/^[A-Za-z_][\w./:-]*/, this.#rest)
      if (name && name.length === this.#rest.length && isPart) return
      if (name) {
        this.#expectsName = false
        this.#name = this.#take(name.length)
        return
      }
    }
    if (this.#isMarked && this.calls.length === 0) this.#step = 'words'
    else this.#giveUp()
  }

  #readBracket(isPart: boolean): void {
    const mark = matchStart(/^\[\/?(?:TOOL_CALLS|ARGS)\]|^\[CALL_ID\][\w-]*/, this.#rest)
    if (
      isPart &&
      (mark === this.#rest ||
        ['[TOOL_CALLS]', '[/TOOL_CALLS]', '[ARGS]', '[CALL_ID]'].some((each) => each.startsWith(this.#rest)))
    ) {
      if (mark !== this.#rest || mark.startsWith('[CALL_ID]')) return
    }
    if (mark) {
      if (mark === '[TOOL_CALLS]') {
        this.#isMarked = true
        this.#expectsName = true
        this.#name = undefined
      }
      this.#take(mark.length)
      return
    }
    const ahead = matchStart(/^\[\s*[\w.]*\(?/, this.#rest)
    if (ahead === this.#rest && isPart) return
    if (ahead.endsWith('(')) {
      const name = this.#names.resolve(ahead.slice(1, -1).trim())
      if (name === undefined && !this.#isMarked) return this.#giveUp()
      this.#step = 'list'
      this.#list = createListScan()
      return
    }
    if (!/^\[\s*[{\]<[]/.test(this.#rest)) return this.#giveUp()
    this.#take(1)
  }

  #readTag(isLast: boolean): void {
    if (!this.#readChildEnd(isLast)) return
    if (this.#isMarked && (this.#expectsName || this.#name !== undefined) && !this.#readChild(isLast)) return
    const tag = readTag(this.#rest, isLast)
    if (tag === 'wait') return
    // The answer was cut in the mark that ends the calls.
    if (tag === undefined && this.calls.length > 0 && readTag(this.#rest, false) === 'wait') {
      this.#take(this.#rest.length)
      return
    }
    if (tag === undefined)
      return this.#isMarked && this.calls.length === 0 ? this.#toRubbish() : this.#giveUp()
    const { head, isClosing, name, length } = tag
    if (results.has(head)) {
      if (this.calls.length === 0 && !this.isUnreadable) return this.#giveUp()
      this.state = 'over'
      return
    }
    if (head === 'channel' || head === 'start') {
      if (isClosing) return this.#giveUp()
      this.#take(length)
      if (head === 'channel') this.#step = 'channel'
      return
    }
    if (isClosing || enders.has(head)) {
      if (!marks.has(head) && !enders.has(head) && !elements.has(head)) return this.#giveUp()
      if (this.calls.length === 0 && !this.#isMarked) return this.#giveUp()
      this.#take(length)
      this.#expectsName = false
      this.#endNamed()
      return
    }
    if (separators.has(head)) {
      this.#take(length)
      if (head === 'tool_sep' && (this.#name === 'function' || this.#name === undefined)) {
        this.#name = undefined
        this.#expectsName = true
      }
      return
    }
    if (elements.has(head)) {
      if (name === undefined) return this.#giveUp()
      this.#take(length)
      this.#beginMembers(name)
      return
    }
    if (head === 'arg_key' && this.#name !== undefined) {
      this.#beginMembers(this.#name)
      return
    }
    if (!marks.has(head)) return this.#giveUp()
    this.#endNamed()
    this.#take(length)
    this.#isMarked = true
    this.#name = name
    this.#expectsName = name === undefined
  }

  /** A name alone in its mark calls a tool without arguments. */
  #endNamed(): void {
    const name = this.#name
    this.#name = undefined
    if (name === undefined) return
    this.#addCall(name, '{}')
  }

  #addCall(name: string, argumentsText: string | undefined): void {
    const known = this.#names.resolve(name)
    this.calls.push({ name: known ?? name, known: known !== undefined, argumentsText })
  }

  #beginObject(): void {
    this.#object = new ObjectReader(this.#name === undefined ? undefined : 'arguments')
    this.#handedOut = []
    this.#expectsName = false
    this.#step = 'object'
  }

  #readObject(isLast: boolean): void {
    const object = this.#object
    this.#take(object.read(this.#rest, 0, isLast))
    if (object.state === 'reading') {
      if (!this.#isMarked && !this.#mayBeCall()) this.#giveUp()
      return
    }
    if (object.state === 'broken' && !object.members.has('arguments')) {
      if (this.#isMarked && this.#handedOut.length === 0) return this.#toRubbish()
      return this.#giveUp()
    }
    this.#endObject()
  }

  /** Nothing but its members tells that an object without a mark is a call. */
  #mayBeCall(): boolean {
    if (this.#name !== undefined) return true
    const { members, open } = this.#object
    const keys = [...members.keys(), ...(open ? [open.key] : [])]
    if (!keys.every((key) => bareKeys.has(key))) return false
    const name = nameOf(members, this.#names)
    return name === undefined || this.#names.resolve(name) !== undefined
  }

  #endObject(): void {
    const { members } = this.#object
    this.#step = 'between'
    if (this.#name !== undefined) {
      const name = this.#name
      this.#name = undefined
      this.#addCall(name, this.#argumentsOf(members.get('arguments') ?? ''))
      return
    }
    if (!this.#isMarked && !isBareCall(members, this.#names)) return this.#giveUp()
    const found = callsOf(members, this.#names, this.#tools)
    const [only] = found
    if (only && found.length === 1 && this.#handedOut.length > 0) {
      const key = argumentKeys.find((each) => members.has(each)) ?? ''
      this.calls.push({ ...only, argumentsText: this.#argumentsOf(members.get(key) ?? '') })
    } else this.calls.push(...found)
  }

  /** Verifies the arguments before their end goes out. @returns what has not been handed out */
  #argumentsOf(rest: string): string | undefined {
    const whole = toObjectText(this.#handedOut.join('') + rest)
    return whole === undefined ? undefined : this.#handedOut.length > 0 ? rest : whole
  }

  #beginMembers(name: string): void {
    this.#name = name
    this.#members = []
    this.#expectsName = false
    this.#step = 'members'
    this.#isMarked ||= this.#names.resolve(name) !== undefined
  }

  #readMembers(isLast: boolean): void {
    const space = matchStart(/^\s+/, this.#rest)
    if (space) this.#take(space.length)
    if (this.#rest === '') return
    if (this.#rest.startsWith('{') && this.#members.length === 0) return this.#beginObject()
    const tag = this.#rest.startsWith('<') ? readTag(this.#rest, isLast) : undefined
    if (tag === 'wait') return
    if (tag === undefined && this.#isMarked && this.#rest.startsWith('<')) {
      if (!this.#readNamedMember(isLast)) return
      const open = this.#children.length
      if (!this.#readChildEnd(isLast)) {
        if (this.#children.length < open) this.#endMembers()
        return
      }
    }
    if (tag === undefined) return this.#isMarked ? this.#toRubbish() : this.#giveUp()
    const { head, isClosing, name, isString, length } = tag
    const isMember = head === 'parameter' || head === 'arg_key' || head === 'arg_value'
    if (!isClosing && isMember) {
      this.#take(length)
      if (head === 'parameter') this.#memberName = name ?? ''
      this.#isString = isString
      this.#closing = head
      this.#value = []
      this.#step = 'value'
      return
    }
    if (!isClosing && !enders.has(head)) return this.#isMarked ? this.#toRubbish() : this.#giveUp()
    if (elements.has(head)) this.#take(length)
    this.#endMembers()
  }

  #endMembers(): void {
    const call = this.#name ?? ''
    this.#name = undefined
    this.#step = 'between'
    this.#addCall(call, membersText(this.#members, this.#tools.get(this.#names.resolve(call) ?? '')))
  }

  /** A value ends where a member, the call or its mark follows: the value may hold any text, also such tags. */
  #readValue(isLast: boolean): void {
    let at = this.#rest.indexOf('<')
    for (; at !== -1; at = this.#rest.indexOf('<', at + 1)) {
      const tag = readTag(this.#rest.slice(at, at + maxTag), isLast)
      if (tag === 'wait') break
      if (!tag?.isClosing || tag.head !== this.#closing) continue
      const window = this.#rest.slice(at + tag.length, at + tag.length + 2 * maxTag)
      const ahead = window.trimStart()
      if (ahead === '' && !isLast && window.length < 2 * maxTag) break
      const next = ahead.startsWith('<') ? readTag(ahead, isLast) : undefined
      if (next === 'wait') break
      if (!next ? ahead !== '' : !followsMember(next, this.#closing)) continue
      this.#value.push(this.#take(at))
      this.#take(tag.length)
      this.#endValue()
      return
    }
    this.#value.push(this.#take(at === -1 ? this.#rest.length : at))
  }

  #endValue(): void {
    const text = this.#value.join('')
    this.#step = 'members'
    if (this.#closing === 'arg_key') this.#memberName = text.trim()
    else this.#members.push({ name: this.#memberName, text, isString: this.#isString })
  }

  /** In a mark, but no call: on one line with the mark's end somebody meant one, else it is prose. */
  #readWords(isLast: boolean): void {
    const at = this.#rest.search(/[<\n]/)
    if (at === -1 && !isLast && this.#rest.length < maxWords) return
    const tag =
      at === -1 || this.#rest.charAt(at) === '\n' ? undefined : readTag(this.#rest.slice(at), isLast)
    if (tag === 'wait') return
    if (!tag || !(tag.isClosing || enders.has(tag.head)) || !(marks.has(tag.head) || enders.has(tag.head)))
      return this.#giveUp()
    this.#take(at)
    this.isUnreadable = true
    this.#name = undefined
    this.#step = 'between'
  }

  #toRubbish(): void {
    this.isUnreadable = true
    this.#name = undefined
    this.#step = 'rubbish'
  }

  /** Reads on to the end of the mark. */
  #readRubbish(isLast: boolean): void {
    let at = this.#rest.indexOf('<')
    for (; at !== -1; at = this.#rest.indexOf('<', at + 1)) {
      const tag = readTag(this.#rest.slice(at, at + maxTag), isLast)
      if (tag === 'wait') break
      if (!tag || !(tag.isClosing ? marks.has(tag.head) : enders.has(tag.head))) continue
      this.#take(at)
      this.#step = 'between'
      return
    }
    this.#take(at === -1 ? this.#rest.length : at)
  }

  /** `[name(key=value), …]` of Python. */
  #readList(): void {
    const end = this.#list.scan(this.#rest)
    if (end === 'broken' || this.#rest.length > maxList)
      return this.#isMarked ? this.#toRubbish() : this.#giveUp()
    if (end === undefined) return
    const calls = readPythonCalls(this.#take(end))
    this.#step = 'between'
    if (!calls || (!this.#isMarked && !calls.every(({ name }) => this.#names.resolve(name)))) {
      this.isUnreadable = this.#isMarked
      if (!this.#isMarked) this.#giveUp()
      return
    }
    for (const { name, argumentsText } of calls) this.#addCall(name, argumentsText)
  }

  /** `name({…})` or `name(key=value, …)` in a mark. */
  #readBrackets(isLast: boolean): void {
    const end = this.#list.scan(this.#rest)
    if (end === undefined && !isLast && this.#rest.length < maxList) return
    if (typeof end !== 'number') return this.#toRubbish()
    const inner = this.#take(end).slice(1, -1).trim()
    const name = this.#name ?? ''
    this.#name = undefined
    this.#step = 'between'
    this.#addCall(name, inner.startsWith('{') ? toObjectText(JSON.stringify(inner)) : toArguments(inner))
  }

  /** `<name>…</name>`, `<arguments>{…}</arguments>` and elements named after the tool or its arguments, in a mark.
   *  @returns whether it is none of these */
  #readChild(isLast: boolean): boolean {
    const name = /^<(?:tool_|function_)?name>([^<>]{0,256})<\/\w+>/.exec(this.#rest)
    if (name?.[1] !== undefined && name[1].trim() !== '') {
      this.#take(name[0].length)
      this.#name = name[1].trim()
      this.#expectsName = false
      return false
    }
    const tag = /^<(\/?)([\w.-]{1,128})>/.exec(this.#rest)
    if (!tag?.[2])
      return isLast || !/^<[\w./-]{0,130}(?:name>[^<>]{0,256}(?:<[\w/]{0,20})?)?$/.test(this.#rest)
    const [whole, closing, head = ''] = tag
    if (head.endsWith('name')) return isLast || !/^<\w+>[^<>]{0,256}(?:<[\w/]{0,20})?$/.test(this.#rest)
    if (argumentKeys.includes(head) && this.#name !== undefined) {
      if (closing) return true
      this.#take(whole.length)
      this.#children.push(head)
      this.#beginMembers(this.#name)
      return false
    }
    if (!closing && this.#name !== undefined && this.#declares(head)) {
      this.#beginMembers(this.#name)
      return false
    }
    if (closing || this.#name !== undefined || this.#names.resolve(head) === undefined) return true
    this.#take(whole.length)
    this.#children.push(head)
    this.#beginMembers(head)
    return false
  }

  /** @returns whether the end of such an element does not come next */
  #readChildEnd(isLast: boolean): boolean {
    const head = this.#children.at(-1)
    if (head === undefined) return true
    const end = `</${head}>`
    if (!this.#rest.startsWith(end)) return isLast || !end.startsWith(this.#rest)
    this.#take(end.length)
    this.#children.pop()
    return false
  }

  /** The tool that is called has such an argument. */
  #declares(name: string): boolean {
    return isDeclared(this.#tools.get(this.#names.resolve(this.#name ?? '') ?? ''), name)
  }

  /** `<city>Paris</city>` @returns whether it is none */
  #readNamedMember(isLast: boolean): boolean {
    const [whole, name] = /^<([\w.-]{1,128})>/.exec(this.#rest) ?? []
    if (!whole || !name) return isLast || !/^<[\w.-]{0,128}$/.test(this.#rest)
    if (!this.#declares(name)) {
      if (!argumentKeys.includes(name) || this.#members.length > 0) return true
      this.#take(whole.length)
      this.#children.push(name)
      return false
    }
    const closing = `</${name}>`
    let end = this.#rest.indexOf(closing, whole.length)
    for (; end !== -1; end = this.#rest.indexOf(closing, end + 1)) {
      const window = this.#rest.slice(end + closing.length, end + closing.length + maxTag)
      const ahead = window.trimStart()
      if (ahead === '' && !isLast && window.length < maxTag) return false
      if (ahead === '' || ahead.startsWith('<')) break
    }
    if (end === -1) return isLast || this.#rest.length > maxList
    const text = this.#take(end + closing.length).slice(whole.length, -closing.length)
    this.#members.push({ name, text, isString: undefined })
    return false
  }

  /** `<|channel|>commentary to=functions.name <|constrain|>json<|message|>{…}` */
  #readChannel(isLast: boolean): void {
    const head = /^\s*\w*\s+to=([\w./:-]+)\s*(?:<\|constrain\|>\s*\w*\s*)?<\|message\|>/.exec(this.#rest)
    if (head?.[1] !== undefined) {
      this.#take(head[0].length)
      this.#isMarked = true
      this.#name = head[1]
      this.#step = 'between'
    } else if (isLast || this.#rest.length > maxTag || /<\|message\|>/.test(this.#rest)) this.#giveUp()
  }

  /** The answer has ended. */
  #end(): void {
    if (this.#step === 'between') {
      this.#endNamed()
      if (this.calls.length === 0 && !this.isUnreadable) this.#giveUp()
      return
    }
    if (this.#step === 'object' && endsWithArguments(this.#object)) return this.#endObject()
    if (!this.#isMarked && (this.calls.length === 0 || this.#step === 'list')) return this.#giveUp()
    this.isUnreadable = true
  }

  #giveUp(): void {
    this.state = 'text'
  }
}

/** Only the last brace is missing. */
const endsWithArguments = ({ members, open }: ObjectReader): boolean =>
  !open && argumentKeys.some((key) => members.has(key))

/** Can calls begin here, at the start of a line? @returns undefined if more has to come */
export function mayBeginCalls(text: string, at: number, isLast: boolean): boolean | undefined {
  const unit = text.charAt(at)
  if (unit === '{') return /^\{\s*(?:["'\w/}$]|$)/.test(text.slice(at, at + maxTag))
  if (unit !== '<' && unit !== '[' && unit !== 'f') return false
  const part = text.slice(at, at + maxTag)
  if (unit === 'f')
    return part.startsWith('functools[') || (!isLast && 'functools['.startsWith(part) ? undefined : false)
  if (unit === '[') return true
  const tag = readTag(part, isLast)
  if (tag === 'wait') return undefined
  return (
    tag !== undefined &&
    !tag.isClosing &&
    (marks.has(tag.head) ||
      (elements.has(tag.head) && tag.name !== undefined) ||
      tag.head === 'channel' ||
      tag.head === 'start')
  )
}

interface Tag {
  /** Its name in lower case, without the signs and spaces of names that models put around it. */
  readonly head: string
  readonly isClosing: boolean
  readonly name: string | undefined
  readonly isString: boolean | undefined
  readonly length: number
}

/** @returns undefined for what is no tag of calls */
function readTag(text: string, isLast: boolean): Tag | 'wait' | undefined {
  const whole = /^<[^<>\n]{0,250}>/.exec(text)?.[0]
  if (whole === undefined) {
    if (isLast || text.length >= maxTag || !/^<[^<>\n]*$/.test(text)) return undefined
    const { head, isHeadOpen } = splitTag(text.slice(1))
    // Until it ends, the first word may be a namespace.
    return (isHeadOpen ? head.length <= longestHead : headSet.has(head)) ? 'wait' : undefined
  }
  const { head, isClosing, more } = splitTag(whole.slice(1, -1))
  if (!headSet.has(head)) return undefined
  const name =
    /^\s*=\s*["']?([^"'\s]+)["']?\s*$/.exec(more)?.[1] ??
    /\bname\s*=\s*(?:"([^"]+)"|'([^']+)'|([^\s"']+))/
      .exec(more)
      ?.slice(1)
      .find((each) => each !== undefined)
  const string = /\bstring\s*=\s*["']?(true|false)/i.exec(more)?.[1]
  return {
    head,
    isClosing,
    name,
    isString: string === undefined ? undefined : string.toLowerCase() === 'true',
    length: whole.length,
  }
}

function splitTag(inner: string) {
  const plain = inner.replace(/[|｜]/g, ' ').replace(/▁/g, '_')
  const isClosing = /^\s*\//.test(plain)
  const bare = plain.replace(/^[\s/]+/, '').replace(/^(?:DSML\b\s+|[\w-]+:)/, '')
  const head = /^[\w-]*/.exec(bare)?.[0] ?? ''
  return {
    head: head.toLowerCase(),
    isHeadOpen: head.length === bare.length,
    isClosing,
    more: bare.slice(head.length),
  }
}

const marks: ReadonlySet<string> = new Set([
  ...['tool_call', 'tool_calls', 'function_call', 'function_calls', 'tool_use', 'tool_uses'],
  ...[
    'tool_call_begin',
    'tool_calls_begin',
    'tool_calls_section_begin',
    'python_tag',
    'python_start',
    'action_start',
    'plugin',
  ],
])
/** That hold one call. */
const elements: ReadonlySet<string> = new Set(['invoke', 'function'])
const separators: ReadonlySet<string> = new Set(['tool_sep', 'tool_call_argument_begin'])
const enders: ReadonlySet<string> = new Set([
  ...['tool_call_end', 'tool_calls_end', 'tool_calls_section_end', 'python_end', 'action_end', 'call'],
  ...['eom_id', 'eot_id', 'im_end', 'end_of_sentence', 'end'],
])
/** A model that goes on with the result of its call has made it up. */
const results: ReadonlySet<string> = new Set([
  ...['tool_result', 'tool_results', 'tool_response', 'tool_output', 'tool_outputs', 'tool_outputs_begin'],
  ...['function_result', 'function_results', 'function_response', 'function_output', 'im_start'],
])
const heads = [
  ...marks,
  ...elements,
  ...separators,
  ...enders,
  ...results,
  'parameter',
  'arg_key',
  'arg_value',
  'channel',
  'start',
]
const headSet: ReadonlySet<string> = new Set(heads)
const longestHead = Math.max(...heads.map(({ length }) => length))

type Closing = 'parameter' | 'arg_key' | 'arg_value'

function followsMember({ head, isClosing }: Tag, closing: Closing): boolean {
  if (closing === 'arg_key') return head === 'arg_value' && !isClosing
  if (isClosing ? marks.has(head) || elements.has(head) : enders.has(head)) return true
  return !isClosing && head === (closing === 'parameter' ? 'parameter' : 'arg_key')
}

/** In UTF-16 units. */
const maxTag = 256
const maxWords = 200
const maxList = 64 * 1024

const between = /^[\s,;]+/

const matchStart = (pattern: RegExp, text: string): string => pattern.exec(text)?.[0] ?? ''

/** As models are told, then as they write it by themselves. */
const argumentKeys: readonly string[] = ['arguments', 'parameters', 'input', 'args', 'params', 'tool_input']
const nameKeys: readonly string[] = [
  'name',
  'tool_name',
  'tool',
  'function_name',
  'function',
  'recipient_name',
]
const nestedKeys: readonly string[] = [
  'function',
  'function_call',
  'tool_call',
  'tool_calls',
  'function_calls',
  'tool_use',
]
const headKeys: ReadonlySet<string> = new Set([...nameKeys, 'id', 'type', 'index', 'call_id'])
/** All that an object without a mark may hold. A definition of a tool holds more. */
const bareKeys: ReadonlySet<string> = new Set([...headKeys, ...argumentKeys, ...nestedKeys])

type Members = ReadonlyMap<string, string>
type Names = ReturnType<typeof createNames>

/** What is meant by a name, where only one of the tools can be. */
export function createNames(names: readonly string[]) {
  const exact = new Set(names)
  const close = new Map<string, string | undefined>()
  for (const name of names)
    for (const key of new Set([toKey(name), lastPart(name)]))
      close.set(key, close.has(key) && close.get(key) !== name ? undefined : name)
  return {
    resolve(said: string): string | undefined {
      if (exact.has(said)) return said
      const bare = said
        .trim()
        .replace(/^(?:functions?|tools?|default_api)[.:]/, '')
        .replace(/:\d+$/, '')
      if (exact.has(bare)) return bare
      return bare === '' ? undefined : close.get(toKey(bare))
    },
  }
}

const toKey = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
const lastPart = (name: string): string =>
  toKey(name.slice(name.lastIndexOf('__') === -1 ? 0 : name.lastIndexOf('__') + 2))

function nameOf(members: Members, names: Names): string | undefined {
  const given = nameKeys.flatMap((key) => {
    const text = members.get(key)
    const value = text?.startsWith('"') ? parseJson(text) : undefined
    return typeof value === 'string' && value !== '' ? [value] : []
  })
  return given.find((name) => names.resolve(name) !== undefined) ?? given[0]
}

/** A call of a tool that is known, with arguments and nothing else. */
function isBareCall(members: Members, names: Names): boolean {
  if ([...members.keys()].some((key) => !bareKeys.has(key))) return false
  const nested = nestedIn(members)
  if (nested) return nested.every((each) => isBareCall(each, names))
  const name = nameOf(members, names)
  return (
    name !== undefined && names.resolve(name) !== undefined && argumentKeys.some((key) => members.has(key))
  )
}

function nestedIn(members: Members): readonly Members[] | undefined {
  for (const key of nestedKeys) {
    const text = members.get(key) ?? ''
    if (text.startsWith('{')) {
      const inner = readObject(text)
      if (inner) return [inner]
    }
    const list: unknown = text.startsWith('[') ? parseJson(text) : undefined
    if (Array.isArray(list)) return list.map((each) => readObject(JSON.stringify(each) ?? '') ?? new Map())
  }
  return undefined
}

function callsOf(
  members: Members,
  names: Names,
  tools: ReadonlyMap<string, ToolDefinition>,
  depth = 0,
): readonly FoundCall[] {
  const said = nameOf(members, names)
  const nested = depth < 3 ? nestedIn(members) : undefined
  if (nested && (said === undefined || !argumentKeys.some((key) => members.has(key))))
    return nested.flatMap((each) => callsOf(each, names, tools, depth + 1))
  const name = said === undefined ? undefined : names.resolve(said)
  return [
    {
      name: name ?? said ?? '',
      known: name !== undefined,
      argumentsText: said === undefined ? undefined : argumentsIn(members, tools.get(name ?? '')),
    },
  ]
}

function argumentsIn(members: Members, tool: ToolDefinition | undefined): string | undefined {
  const key = argumentKeys.find((each) => members.has(each))
  const text = key === undefined ? undefined : toObjectText(members.get(key) ?? '')
  if (text !== undefined) return text
  // The arguments may stand beside the name; a name alone calls a tool without any.
  const others = [...members].filter(
    ([each]) =>
      !headKeys.has(each) || (each !== 'name' && isDeclared(tool, each) && !nameKeys.includes(each)),
  )
  if (!others.every(([each]) => isDeclared(tool, each))) return undefined
  return `{${others.map(([each, value]) => `${JSON.stringify(each)}:${value}`).join(',')}}`
}

const propertiesOf = (tool: ToolDefinition | undefined): Readonly<Record<string, unknown>> => {
  const properties = tool?.parameters.properties
  return typeof properties === 'object' && properties !== null ? { ...properties } : {}
}

const isDeclared = (tool: ToolDefinition | undefined, name: string): boolean =>
  Object.hasOwn(propertiesOf(tool), name)

/** @returns undefined unless it is an object, a string that holds one, or empty */
function toObjectText(text: string, depth = 0): string | undefined {
  const value = text.trim() === '' ? null : parseJson(text)
  if (value === null || value === '') return '{}'
  if (typeof value === 'object' && !Array.isArray(value)) return text.trim()
  if (typeof value !== 'string' || depth > 0) return undefined
  const reader = new ObjectReader('text')
  reader.read(value, 0, true)
  return toObjectText(reader.members.get('text') ?? '[]', depth + 1)
}

interface Member {
  readonly name: string
  readonly text: string
  /** As the model says; the schema tells otherwise. */
  readonly isString: boolean | undefined
}

function membersText(members: readonly Member[], tool: ToolDefinition | undefined): string | undefined {
  const properties = propertiesOf(tool)
  const entries = members.map(({ name, text, isString }) => {
    const value = /^\r?\n/.test(text) ? text.replace(/^\r?\n/, '').replace(/\r?\n$/, '') : text
    return `${JSON.stringify(name)}:${(isString ?? mayBeString(properties[name])) ? JSON.stringify(value) : toValue(value)}`
  })
  return toObjectText(`{${entries.join(',')}}`)
}

/** Text stays text unless the schema wants something else. */
function mayBeString(schema: unknown, depth = 0): boolean {
  if (typeof schema !== 'object' || schema === null || depth > 4) return true
  const { type, anyOf, oneOf, $ref }: Readonly<Record<string, unknown>> = { ...schema }
  if (typeof type === 'string') return type === 'string'
  if (Array.isArray(type)) return type.includes('string')
  const choices: unknown = anyOf ?? oneOf
  if (Array.isArray(choices)) return choices.some((each) => mayBeString(each, depth + 1))
  return $ref === undefined
}

function toValue(text: string): string {
  const reader = new ObjectReader('value')
  const trimmed = text.trim()
  const end = reader.read(trimmed, 0, true)
  const value = reader.members.get('value')
  return value !== undefined && end === trimmed.length && parseJson(value) !== undefined
    ? value
    : JSON.stringify(text)
}

/** Finds the end of a list with strings and brackets in it, as it comes. */
function createListScan() {
  let at = 0
  let depth = 0
  let quote = ''
  return {
    /** @returns the place behind the list, undefined while it is open */
    scan(text: string): number | 'broken' | undefined {
      for (; at < text.length; at += 1) {
        const unit = text.charAt(at)
        if (quote) {
          if (unit === '\\') at += 1
          else if (unit === quote) quote = ''
        } else if (unit === '"' || unit === "'") quote = unit
        else if ('([{'.includes(unit)) depth += 1
        else if (')]}'.includes(unit)) {
          depth -= 1
          if (depth === 0) return at + 1
        } else if (unit === '<' || (unit === '\n' && depth === 0)) return 'broken'
      }
      return undefined
    },
  }
}

/** @param list  `[name(key=value, …), …]` */
function readPythonCalls(list: string): readonly CallText[] | undefined {
  const calls: CallText[] = []
  let rest = list.slice(1, -1).trim()
  while (rest !== '') {
    const head = /^([\w.]+)\s*(?=\()/.exec(rest)
    if (!head?.[1]) return undefined
    const body = rest.slice(head[0].length)
    const end = createListScan().scan(body)
    if (typeof end !== 'number') return undefined
    const argumentsText = toArguments(body.slice(1, end - 1))
    if (argumentsText === undefined) return undefined
    calls.push({ name: head[1], argumentsText })
    rest = body.slice(end).replace(/^[\s,]+/, '')
  }
  return calls.length > 0 ? calls : undefined
}

/** Keyword arguments of Python as an object. */
function toArguments(text: string): string | undefined {
  let named = ''
  let depth = 0
  for (let at = 0; at < text.length; ) {
    const part = matchStart(
      /^(?:"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|[A-Za-z_]\w*\s*=(?!=)|[\s\S])/,
      text.slice(at, at + 65536),
    )
    if (part === '') return undefined
    if ('([{'.includes(part)) depth += 1
    else if (')]}'.includes(part)) depth -= 1
    named += depth === 0 && /^\w+\s*=$/.test(part) ? `"${part.slice(0, -1).trim()}":` : part
    at += part.length
  }
  return toObjectText(JSON.stringify(`{${named}}`))
}
