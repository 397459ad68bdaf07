import { ObjectReader } from './object-reader.ts'

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
