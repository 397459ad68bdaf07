export interface CallText {
  readonly name: string
  /** A JSON object. */
  readonly argumentsText: string
}

/** Reads one call: `{"name": …, "arguments": {…}}`, with the members in any order and under the names that models know. */
export class CallReader {
  #object = new ObjectReader()
  #sent: string[] = []

  /** @returns how much of `text` was taken */
  push(text: string): number {
    return this.#object.push(text)
  }

  /** The object has ended, whether it is a call or not. */
  get isOver(): boolean {
    return this.#object.state !== 'reading'
  }

  /** Undefined until it has come; empty when it is not a name. */
  get name(): string | undefined {
    const name = this.#object.members.get('name')
    if (name === undefined) return undefined
    const value = parseJson(name)
    return typeof value === 'string' ? value : ''
  }

  /** Takes what has come of the arguments, to be sent before they are whole.
   *  @param minLength  nothing is taken below it, in UTF-16 units */
  takeArguments(minLength: number): string {
    const { open } = this.#object
    if (!open?.isObject || !argumentKeys.includes(open.key) || open.length <= minLength) return ''
    const text = this.#object.takeOpen()
    this.#sent.push(text)
    return text
  }

  /** To be called once the object or the answer has ended. An object with whole arguments is a call even without its last brace.
   *  @returns the call, and what has not been taken of its arguments; undefined when it is not a call */
  end(): (CallText & { readonly rest: string }) | undefined {
    const { name } = this
    const { members, open, state } = this.#object
    const key = argumentKeys.find((each) => members.has(each))
    if (!name || (open && argumentKeys.includes(open.key))) return undefined
    // A name alone calls a tool without arguments; with other members there is no telling what is meant.
    if (key === undefined && (state !== 'whole' || members.size > 1)) return undefined
    const rest = members.get(key ?? '') ?? ''
    const argumentsText = toObjectText([...this.#sent, rest].join(''))
    return argumentsText === undefined ? undefined : { name, argumentsText, rest }
  }
}

/** As models are told, then as Llama and Claude write it by themselves. */
const argumentKeys: readonly string[] = ['arguments', 'parameters', 'input']

/** @returns undefined unless it is an object, a string that holds one, or empty */
function toObjectText(text: string): string | undefined {
  const value = text.trim() === '' ? null : parseJson(text)
  if (value === null || value === '') return '{}'
  if (typeof value === 'string') return toObjectText(mend(value))
  return typeof value === 'object' && !Array.isArray(value) ? text.trim() : undefined
}

/** Mends the slips within the JSON of a string, which were not seen from outside. A string in it would be one level too many. */
function mend(text: string): string {
  const reader = new ObjectReader()
  reader.push(`{"text":${text}}`)
  const mended = reader.members.get('text') ?? ''
  return mended.trimStart().startsWith('{') ? mended : '[]'
}

/** @returns undefined for what is not JSON */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads one JSON object as it comes and gives the JSON text of each of its members. Mends the slips that models make within
 *  strings: bare control characters, a backslash that escapes nothing, `\u` without its four digits. The inside of a member is not
 *  validated. */
class ObjectReader {
  /** `broken`: what comes next cannot stand there. */
  state: 'reading' | 'whole' | 'broken' = 'reading'
  /** The members that are whole. */
  readonly members = new Map<string, string>()
  #place: 'start' | 'key' | 'colon' | 'value' | 'after' = 'start'
  #depth = 0
  #inString = false
  #escaped = false
  /** The digits after `\u` so far. */
  #unit: string | undefined
  #key = ''
  #value = ''
  /** The first sign of the value. */
  #bracket = ''

  /** @returns how much of `text` was taken: all of it until the object ends */
  push(text: string): number {
    let at = 0
    while (at < text.length && this.state === 'reading') {
      const run =
        this.#escaped || this.#unit !== undefined
          ? ''
          : runAt(this.#inString ? stringRun : otherRun, text, at)
      const part = run || text.charAt(at)
      const fits = this.#inString ? this.#takeOfString(part) : run ? this.#takeRun(run) : this.#takeSign(part)
      if (!fits) this.state = 'broken'
      else at += part.length
    }
    return at
  }

  /** The member that is being read. `length` is that of its value since it was last taken. */
  get open(): { readonly key: string; readonly length: number; readonly isObject: boolean } | undefined {
    if (this.#place !== 'value') return undefined
    return { key: this.#key, length: this.#value.length, isObject: this.#bracket === '{' }
  }

  /** Takes what has come of the open member: `members` will hold only the rest. */
  takeOpen(): string {
    const value = this.#value
    this.#value = ''
    return value
  }

  #takeOfString(part: string): boolean {
    if (this.#unit !== undefined) this.#takeOfUnit(this.#unit, part)
    else if (this.#escaped) {
      this.#escaped = false
      if (part === 'u') this.#unit = ''
      else this.#add(escapable.includes(part) ? `\\${part}` : `\\\\${escapeBare(part)}`)
    } else if (part === '\\') this.#escaped = true
    else if (part === '"') this.#endString()
    else this.#add(part < ' ' ? escapeBare(part) : part)
    return true
  }

  #takeOfUnit(digits: string, part: string): void {
    if (!/[\da-f]/i.test(part)) {
      this.#unit = undefined
      this.#add(`\\\\u${digits}`)
      this.#takeOfString(part)
    } else if (digits.length < 3) this.#unit = digits + part
    else {
      this.#unit = undefined
      this.#add(`\\u${digits}${part}`)
    }
  }

  #endString(): void {
    this.#inString = false
    if (this.#place === 'key') this.#place = 'colon'
    else {
      this.#add('"')
      if (this.#depth === 1) this.#endMember()
    }
  }

  /** Numbers, words and white space. */
  #takeRun(run: string): boolean {
    if (this.#place !== 'value') return run.trim() === ''
    this.#add(run)
    return true
  }

  #takeSign(sign: string): boolean {
    if (this.#place === 'value') return this.#takeOfValue(sign)
    if (this.#place === 'key' && sign === '"') {
      this.#key = ''
      this.#inString = true
    } else if (this.#place === 'start' && sign === '{') {
      this.#depth = 1
      this.#place = 'key'
    } else if (this.#place === 'colon' && sign === ':') {
      this.#place = 'value'
      this.#bracket = ''
    } else if (this.#place === 'after' && sign === ',') this.#place = 'key'
    else if ((this.#place === 'after' || this.#place === 'key') && sign === '}') this.state = 'whole'
    else return false
    return true
  }

  #takeOfValue(sign: string): boolean {
    if (this.#depth === 1 && (sign === ',' || sign === '}')) {
      this.#endMember()
      return this.#takeSign(sign)
    }
    this.#add(sign)
    this.#bracket ||= sign
    if (sign === '"') this.#inString = true
    else if (sign === '{' || sign === '[') this.#depth += 1
    else if (sign === '}' || sign === ']') {
      this.#depth -= 1
      if (this.#depth === 1) this.#endMember()
    }
    return this.#depth > 0 && this.#depth <= maxDepth
  }

  #endMember(): void {
    this.members.set(this.#key, this.takeOpen())
    this.#place = 'after'
  }

  #add(text: string): void {
    if (this.#place === 'key') this.#key += text
    else this.#value += text
  }
}

/** Clients send a call back within a request, and a request nested deeper than 100 levels is refused. */
const maxDepth = 80

const escapable = '"\\/bfnrt'
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what strings must not hold bare
const stringRun = /[^"\\\u0000-\u001f]+/y
const otherRun = /[^"{}[\]:,]+/y

function runAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

const escapeBare = (text: string): string => (text < ' ' ? JSON.stringify(text).slice(1, -1) : text)
