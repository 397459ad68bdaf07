import type { FinishReason, TokenUsage } from '../core/chat-event.ts'

type Event = Readonly<Record<string, unknown>>

/** What a `message_result` says: at its top level in gen 1, in its `message` in gen 2. Source: WIRE 4.7, 5.4 */
export interface MessageResult {
  readonly ofAssistant: boolean
  readonly content: string
  readonly servedModel: string | undefined
  readonly finishReason: FinishReason
  readonly usage: TokenUsage | undefined
  /** A model is named as its author, or its text stands where only an answer does. */
  readonly byModel: boolean
}

export function parseMessageResult(event: Event): MessageResult {
  const message = isRecord(event.message) ? event.message : event
  const state = isRecord(message.session_state) ? message.session_state : {}
  const written = stringOf(state.answer)
  const servedModel = stringOf(message._llm_model) ?? stringOf(state._llm_model)
  return {
    ofAssistant: message.role === undefined || message.role === null || message.role === 'assistant',
    content: stringOf(message.content) ?? written ?? '',
    servedModel,
    finishReason: message._finish_reason === 'length' ? 'length' : 'stop',
    usage: parseUsage(state._llm_usage),
    byModel: servedModel !== undefined || written !== undefined,
  }
}

/** @returns undefined for an empty string too */
const stringOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** Reads `usage` in OpenAI's form, which is also the site's. @returns undefined unless both figures are there; the site often
 *  sends an empty object */
export function parseUsage(usage: unknown): TokenUsage | undefined {
  if (!isRecord(usage)) return undefined
  const { prompt_tokens: prompt, completion_tokens: completion, completion_tokens_details: details } = usage
  if (!isCount(prompt) || !isCount(completion)) return undefined
  const reasoning = isRecord(details) ? details.reasoning_tokens : usage.reasoning_tokens
  const { prompt_tokens_details: ofPrompt } = usage
  const cached = isRecord(ofPrompt) ? ofPrompt.cached_tokens : undefined
  return {
    prompt,
    completion,
    reasoning: isCount(reasoning) ? Math.min(reasoning, completion) : 0,
    ...(isCount(cached) && cached > 0 && { cached: Math.min(cached, prompt) }),
  }
}

export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

/** Of longer text that came in chunks only the length is kept. */
const maxHeldLength = 1024 * 1024

/** The text of one field, without doubling: it comes as deltas which a whole value may repeat, as whole values that grow,
 *  or as values that are chunks. Source: WIRE 5.4 (rule for a client), 7.4 */
export class FieldText {
  #deltas = false
  #chunks = false
  #held = ''
  #length = 0
  /** Of the deltas, which are not kept. */
  #hash = hashOf('')
  #repeats = 0

  delta(text: string): string {
    this.#deltas = true
    this.#length += text.length
    this.#hash = hashOf(text, this.#hash)
    return text
  }

  /** @returns what `value` adds to the text so far */
  value(value: string): string {
    if (this.#deltas) return this.#afterDeltas(value)
    if (this.#isWhole(value)) {
      this.#repeats += 1
      return ''
    }
    if (!this.#chunks && value.startsWith(this.#held)) {
      const added = value.slice(this.#length)
      this.#hold(value)
      return added
    }
    // Chunks after all: what looked like a repetition of the whole text was a chunk too.
    const added = this.#chunks ? value : this.#held.repeat(this.#repeats) + value
    this.#chunks = true
    this.#hold(this.#held + added, this.#length + added.length)
    return added
  }

  /** The whole text, said at the end. @returns what had not come before */
  closing(whole: string): string {
    if (this.#deltas) return this.#afterDeltas(whole)
    if (this.#chunks || !whole.startsWith(this.#held)) return ''
    return this.value(whole)
  }

  /** After deltas a value is the whole text (WIRE 5.4): it may say more than they did, and then is that much longer. */
  #afterDeltas(whole: string): string {
    if (whole.length <= this.#length || hashOf(whole.slice(0, this.#length)) !== this.#hash) return ''
    return this.delta(whole.slice(this.#length))
  }

  #isWhole(value: string): boolean {
    return value.length === this.#length && (value === this.#held || this.#length > maxHeldLength)
  }

  #hold(text: string, length = text.length): void {
    this.#repeats = 0
    this.#length = length
    this.#held = this.#chunks && length > maxHeldLength ? '' : text
  }
}

/** One event's data as a JSON object; `undefined` for anything else. Python's `json.dumps` writes numbers that are no JSON: they are
 *  read as null. */
export function parseEvent(data: string): Readonly<Record<string, unknown>> | undefined {
  const event = parseRecord(data)
  if (event || !pythonNumbers.test(data)) return event
  return parseRecord(data.replace(stringOrNumber, (found) => (found.startsWith('"') ? found : 'null')))
}

const pythonNumbers = /\b(?:NaN|Infinity)\b/
const stringOrNumber = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g

function parseRecord(data: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(data)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** FNV-1a over UTF-16 units, continued from `hash`. */
function hashOf(text: string, hash = 0x811c9dc5): number {
  let result = hash
  for (let index = 0; index < text.length; index += 1)
    result = Math.imul(result ^ text.charCodeAt(index), 0x01000193)
  return result
}
