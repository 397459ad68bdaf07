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

  /** Nothing more belongs to it, whether it is a call or not. */
  get isOver(): boolean {
    return this.#object.state !== 'reading'
  }

  /** Undefined until it has come; empty when it is none. */
  get name(): string | undefined {
    const name = this.#object.members.get('name')
    if (name === undefined) return undefined
    const value = parseJson(name)
    return typeof value === 'string' ? value : ''
  }

  /** What is new of arguments that are under way, for one who hands them on before they are whole.
   *  @param minLength  below it nothing is taken, in UTF-16 units */
  takeArguments(minLength: number): string {
    const { open } = this.#object
    if (!open?.isObject || !argumentKeys.includes(open.key) || open.length <= minLength) return ''
    const text = this.#object.takeOpen()
    this.#sent.push(text)
    return text
  }

  /** Judges what has come, once it is over or nothing more comes. A call whose arguments are whole is one, even if its last
   *  brace is missing.
   *  @returns the call, and what of its arguments has not been taken; undefined when it is none */
  end(): (CallText & { readonly rest: string }) | undefined {
    const { name } = this
    const { members, open, state } = this.#object
    const key = argumentKeys.find((each) => members.has(each))
    if (!name || (open && argumentKeys.includes(open.key))) return undefined
    // A name alone calls a tool that takes nothing; with other members it is not known what is meant.
    if (key === undefined && (state !== 'whole' || members.size > 1)) return undefined
    const rest = members.get(key ?? '') ?? ''
    const argumentsText = toObjectText([...this.#sent, rest].join(''))
    return argumentsText === undefined ? undefined : { name, argumentsText, rest }
  }
}

/** As the form says, then as Llama and Claude are used to. */
const argumentKeys: readonly string[] = ['arguments', 'parameters', 'input']

/** @returns undefined for what is not an object, nor a string that holds one, nor nothing at all */
function toObjectText(text: string): string | undefined {
  const value = text.trim() === '' ? null : parseJson(text)
  if (value === null || value === '') return '{}'
  if (typeof value === 'string') return toObjectText(mend(value))
  return typeof value === 'object' && !Array.isArray(value) ? text.trim() : undefined
}

/** JSON within a string was not read for slips. A string in it would be one level too many. */
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

/** Reads one JSON object as it comes, as far as its own members: each as JSON text, with the slips mended that models make
 *  within strings (bare control characters, a backslash that escapes nothing, `\u` without its four digits). What is nested in a member is not judged. */
class ObjectReader {
  /** `broken`: what came last cannot stand there. */
  state: 'reading' | 'whole' | 'broken' = 'reading'
  /** Those that are whole. */
  readonly members = new Map<string, string>()
  #place: 'start' | 'key' | 'colon' | 'value' | 'after' = 'start'
  #depth = 0
  #inString = false
  #escaped = false
  /** The digits so far behind `\u`. */
  #unit: string | undefined
  #key = ''
  #value = ''
  /** The first of the value. */
  #bracket = ''

  /** @returns how much of `text` was taken: all of it while the object is not over */
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

  /** Lets go of what there is of the open member: `members` gets only the rest of it. */
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

/** Clients send a call back within a request, which is not read when it is nested deeper than 100 levels. */
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
