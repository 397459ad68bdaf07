/** Reads one JSON object as it comes and gives the JSON text of each of its members. Mends the slips that models make: quotes,
 *  control characters and backslashes that are not escaped in strings, single quotes, names without any, commas too many or
 *  missing, comments, the words of Python, braces missing before a mark. What is right comes out as it was written, but for
 *  white space. */
export class ObjectReader {
  /** `broken`: what comes next cannot stand there. */
  state: 'reading' | 'whole' | 'broken' = 'reading'
  /** The members that are whole. */
  readonly members = new Map<string, string>()
  /** What is open, outermost first. */
  #brackets = ''
  #place: 'start' | 'key' | 'colon' | 'value' | 'after' = 'start'
  /** The sign that ends the string that is being read. */
  #quote = ''
  #comment: '' | '\n' | '*/' = ''
  #needsComma = false
  /** Names stand without quotes in this object. */
  #hasBareNames = false
  #key = ''
  #value = ''
  #isObject = false
  #isValueAlone: boolean

  /** @param member  given where only its value is to be read, under this name */
  constructor(member?: string) {
    this.#isValueAlone = member !== undefined
    if (member === undefined) return
    this.#brackets = '{'
    this.#place = 'value'
    this.#key = member
  }

  /** Reads on from `from`.
   *  @param isLast  no more text will come
   *  @returns the place behind what was taken. While the object is open the rest, which is short, is to be given again */
  read(text: string, from: number, isLast: boolean): number {
    let at = from
    while (at < text.length && this.state === 'reading') {
      const next = this.#comment
        ? this.#skipComment(text, at)
        : this.#quote
          ? this.#readString(text, at, isLast)
          : this.#readSign(text, at, isLast)
      // More has to come before there is any telling.
      if (next === at && this.state === 'reading') break
      at = next
    }
    return at
  }

  /** The member that is being read. `length` is that of its value since it was last taken. */
  get open(): { readonly key: string; readonly length: number; readonly isObject: boolean } | undefined {
    const { length } = this.#brackets
    if (length === 0 || (length === 1 && this.#place !== 'value')) return undefined
    return { key: this.#key, length: this.#value.length, isObject: this.#isObject }
  }

  /** Takes what has come of the open member: `members` will hold only the rest. */
  takeOpen(): string {
    const value = this.#value
    this.#value = ''
    return value
  }

  #skipComment(text: string, at: number): number {
    const end = text.indexOf(this.#comment, at)
    // Half an end of the comment may have come.
    if (end === -1) return this.#comment === '*/' && text.endsWith('*') ? text.length - 1 : text.length
    const to = end + this.#comment.length
    this.#comment = ''
    return to
  }

  #readString(text: string, at: number, isLast: boolean): number {
    const run = match(stringRun, text, at)
    if (run) {
      this.#add(run)
      return at + run.length
    }
    const unit = text.charAt(at)
    if (unit === '\\') return this.#readEscape(text, at, isLast)
    if (unit !== this.#quote) {
      this.#add(unit === '"' ? '\\"' : unit < ' ' ? escapeBare(unit) : unit)
      return at + 1
    }
    const closes = this.#closesString(text, at + 1, isLast)
    if (closes === undefined) return at
    if (closes) this.#endString()
    else this.#add(unit === '"' ? '\\"' : unit)
    return at + 1
  }

  #readEscape(text: string, at: number, isLast: boolean): number {
    const unit = text.charAt(at + 1)
    if (unit === '') {
      if (!isLast) return at
      this.#add('\\\\')
      return at + 1
    }
    if (unit === 'u') {
      const digits = match(hexDigits, text, at + 2)
      if (digits.length < 4 && at + 2 + digits.length === text.length && !isLast) return at
      this.#add(digits.length === 4 ? `\\u${digits}` : `\\\\u${digits}`)
      return at + 2 + digits.length
    }
    if (unit === "'" && this.#quote === unit) this.#add(unit)
    else this.#add(escapable.includes(unit) ? `\\${unit}` : `\\\\${escapeBare(unit)}`)
    return at + 2
  }

  /** Does the quote before `from` end its string, or stand in it without its escape? @returns undefined if more has to come */
  #closesString(text: string, from: number, isLast: boolean): boolean | undefined {
    const ahead = text.slice(from, from + maxAhead)
    const isAll = isLast || ahead.length === maxAhead
    const first = ahead.trimStart().charAt(0)
    if (first === '') return isAll ? true : undefined
    if (this.#place === 'key') return first === ':'
    return closesValue(ahead, this.#brackets.slice(this.#isValueAlone ? 1 : 0), {
      isAll,
      bareNames: this.#hasBareNames,
    })
  }

  #endString(): void {
    this.#quote = ''
    if (this.#place === 'key') {
      if (this.#brackets.length > 1) this.#value += '"'
      this.#place = 'colon'
    } else {
      this.#value += '"'
      this.#endValue()
    }
  }

  #readSign(text: string, at: number, isLast: boolean): number {
    const sign = text.charAt(at)
    if (isSpace(sign)) return at + match(spaces, text, at).length
    if (sign === '/') {
      const second = text.charAt(at + 1)
      if (second === '' && !isLast) return at
      if (second !== '/' && second !== '*') return this.#break(at)
      this.#comment = second === '/' ? '\n' : '*/'
      return at + 2
    }
    switch (this.#place) {
      case 'start':
        if (sign !== '{') return this.#break(at)
        this.#brackets = '{'
        this.#place = 'key'
        return at + 1
      case 'key':
        return this.#readKey(text, at, sign, isLast)
      case 'colon':
        if (sign !== ':') return this.#break(at)
        if (this.#brackets.length > 1) this.#value += ':'
        this.#place = 'value'
        return at + 1
      case 'value':
        return this.#readValue(text, at, sign, isLast)
      case 'after':
        return this.#readAfter(text, at, sign)
      default:
        return this.#place satisfies never
    }
  }

  #readKey(text: string, at: number, sign: string, isLast: boolean): number {
    if (sign === '}') return this.#close(at, sign)
    if (sign === ',') return at + 1
    if (sign === '"' || sign === "'") {
      this.#beginKey()
      this.#hasBareNames = false
      this.#quote = sign
      return at + 1
    }
    const name = match(bareName, text, at)
    if (name === '') return this.#break(at)
    if (at + name.length === text.length && !isLast && name.length < maxWord) return at
    this.#beginKey()
    this.#hasBareNames = true
    this.#add(name)
    this.#endString()
    return at + name.length
  }

  #beginKey(): void {
    if (this.#brackets.length > 1) this.#value += this.#needsComma ? ',"' : '"'
    else this.#key = ''
    this.#needsComma = false
  }

  #readValue(text: string, at: number, sign: string, isLast: boolean): number {
    if (sign === ']' && this.#brackets.endsWith('[')) return this.#close(at, sign)
    if (sign === ',' && this.#brackets.endsWith('[')) return at + 1
    if (sign === '"' || sign === "'") {
      this.#beginValue()
      this.#value += '"'
      this.#quote = sign
      return at + 1
    }
    if (sign === '{' || sign === '[') {
      if (this.#brackets.length >= maxDepth) return this.#break(at)
      this.#beginValue()
      if (this.#brackets.length === 1) this.#isObject = sign === '{'
      this.#brackets += sign
      this.#value += sign
      this.#place = sign === '{' ? 'key' : 'value'
      return at + 1
    }
    const word = match(bareWord, text, at)
    if (word === '' || word.length > maxWord) return this.#break(at)
    if (at + word.length === text.length && !isLast) return at
    const meant = words.get(word) ?? (isNumber.test(word) ? word : undefined)
    if (meant === undefined) return this.#break(at)
    this.#beginValue()
    this.#value += meant
    this.#endValue()
    return at + word.length
  }

  #beginValue(): void {
    if (this.#brackets.length === 1) {
      this.#value = ''
      this.#isObject = false
    }
    if (this.#needsComma && this.#brackets.endsWith('[')) this.#value += ','
    this.#needsComma = false
  }

  #readAfter(text: string, at: number, sign: string): number {
    if (sign === ',') {
      this.#place = this.#brackets.endsWith('{') ? 'key' : 'value'
      return at + 1
    }
    if (sign === '}' || sign === ']') return this.#close(at, sign)
    // The comma is missing.
    if (sign === '"' && this.#brackets.endsWith('{')) {
      this.#place = 'key'
      return this.#readKey(text, at, sign, false)
    }
    // The braces are missing.
    if (sign === '<') {
      while (this.state === 'reading') this.#close(at, this.#brackets.endsWith('{') ? '}' : ']')
      return at
    }
    return this.#break(at)
  }

  #close(at: number, sign: string): number {
    if (!this.#brackets.endsWith(sign === '}' ? '{' : '[')) return this.#break(at)
    this.#brackets = this.#brackets.slice(0, -1)
    if (this.#brackets === '') this.state = 'whole'
    else {
      this.#value += sign
      this.#endValue()
    }
    return at + 1
  }

  #endValue(): void {
    this.#place = 'after'
    this.#needsComma = true
    if (this.#brackets.length > 1) return
    this.members.set(this.#key, this.takeOpen())
    if (this.#isValueAlone) this.state = 'whole'
  }

  #add(text: string): void {
    if (this.#place === 'key' && this.#brackets.length === 1) this.#key += text
    else this.#value += text
  }

  #break(at: number): number {
    this.state = 'broken'
    return at
  }
}

/** Reads an object that is whole. @returns nothing when it is none, or other text follows it */
export function readObject(text: string): ReadonlyMap<string, string> | undefined {
  const reader = new ObjectReader()
  const end = reader.read(text, 0, true)
  return reader.state === 'whole' && text.slice(end).trim() === '' ? reader.members : undefined
}

/** Mends JSON at the start of a text. @returns nothing when it is no object or list, or cannot be mended */
export function mendJson(text: string): string | undefined {
  const reader = new ObjectReader('json')
  reader.read(text, 0, true)
  const json = reader.members.get('json')
  return json !== undefined && /^[[{]/.test(json) && parseJson(json) !== undefined ? json : undefined
}

/** @returns undefined for what is not JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

interface Ahead {
  /** What lies ahead will not grow. */
  readonly isAll: boolean
  readonly bareNames: boolean
}

/** Does a string end before `ahead`, so that what follows is JSON and no text of the string? */
function closesValue(ahead: string, brackets: string, { isAll, bareNames }: Ahead): boolean | undefined {
  let open = brackets
  let at = 0
  for (;;) {
    at += match(spaces, ahead, at).length
    const sign = ahead.charAt(at)
    if (sign === '') return isAll ? true : undefined
    if (open === '')
      return at > 0 && isSpace(ahead.charAt(at - 1))
        ? true
        : '`,;]{}[|｜'.includes(sign) || opensMark(ahead, at, isAll)
    const closer = open.endsWith('{') ? '}' : ']'
    if (sign === closer) {
      open = open.slice(0, -1)
      at += 1
    } else if (sign === ',')
      return open.endsWith('[') ? true : namesMember(ahead, at + 1, { isAll, bareNames })
    else if (sign === '<') return opensMark(ahead, at, isAll)
    else if (sign === '/' && at > 0) return /^\/[/*]/.test(ahead.slice(at))
    // The comma is missing.
    else if (sign === '"' && at > 0 && open.endsWith('{'))
      return ahead.charAt(at + 1) === '' && !isAll
        ? undefined
        : namesMember(ahead, at, { isAll, bareNames: false })
    else return false
  }
}

/** Does the name of a member come next, or, behind a comma too many, the end? */
function namesMember(ahead: string, from: number, { isAll, bareNames }: Ahead): boolean | undefined {
  const at = from + match(spaces, ahead, from).length
  const sign = ahead.charAt(at)
  if (sign === '') return isAll ? true : undefined
  if (sign === '}' || sign === '/') return true
  if (sign !== '"' && sign !== "'") {
    const name = bareNames ? match(bareName, ahead, at) : ''
    return name !== '' && isNamed(ahead.slice(at + name.length), isAll)
  }
  const rest = ahead.slice(at + match(sign === '"' ? quoted : singleQuoted, ahead, at).length)
  if (rest === '' || rest === '\\') return isAll ? true : undefined
  return rest.startsWith(sign) && isNamed(rest.slice(1), isAll)
}

function isNamed(behind: string, isAll: boolean): boolean | undefined {
  const next = behind.trimStart().charAt(0)
  if (next === '') return isAll ? true : undefined
  return next === ':'
}

function opensMark(ahead: string, at: number, isAll: boolean): boolean | undefined {
  const text = ahead.slice(at, at + 40)
  if (ending.test(text)) return true
  if (text.length >= 24 || text.includes('>')) return false
  // The answer may have been cut in it.
  return isAll ? /^<[/|｜\w:]*$/.test(text) : undefined
}

/** Of a mark that ends a call, or of the next. */
const ending =
  /^<[/|｜]?[/|｜]?\s*(?:[\w-]+[:｜])?(?:tool|function|invoke|parameter|argument|python|call|args\b|params\b|input\b)/i

/** Clients send a call back within a request, and a request nested deeper than 100 levels is refused. */
const maxDepth = 80
/** In UTF-16 units: how much of what follows a quote is looked at. */
const maxAhead = 320
const maxWord = 128

const escapable = '"\\/bfnrt'
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what strings must not hold bare
const stringRun = /[^"'\\\u0000-\u001f]+/y
const hexDigits = /[\da-f]{0,4}/iy
const spaces = /\s*/y
const bareName = /[\w$-]+/y
const bareWord = /[\w.+-]+/y
const quoted = /"(?:[^"\\\n]|\\.)*/y
const singleQuoted = /'(?:[^'\\\n]|\\.)*/y
const isNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i
const words = new Map([
  ['true', 'true'],
  ['false', 'false'],
  ['null', 'null'],
  ['True', 'true'],
  ['False', 'false'],
  ['None', 'null'],
])

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

const isSpace = (unit: string): boolean => unit === ' ' || unit === '\n' || unit === '\t' || unit === '\r'
const escapeBare = (text: string): string => (text < ' ' ? JSON.stringify(text).slice(1, -1) : text)
