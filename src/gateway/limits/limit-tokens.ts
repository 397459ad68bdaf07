import type { ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import { createTokenBudget, type TokenBudgetOptions } from './token-budget.ts'

/** Ends an answer after its last token, by the reason `length`. A call is held until it is whole: one that does not fit is left
 *  out, since half a call is none. A long one goes out as it comes, and then to its end. */
export async function* limitTokens(
  events: AsyncIterable<ChatEventBatch>,
  options: TokenBudgetOptions,
): AsyncGenerator<ChatEventBatch> {
  const answer = new LimitedAnswer(options)
  for await (const batch of events) {
    const passed: ChatEvent[] = []
    for (const event of batch) {
      if (answer.passes(event)) {
        passed.push(event)
        continue
      }
      passed.push(...(await answer.add(event)))
      if (answer.isUsedUp) {
        yield [...passed, { type: 'finished', reason: 'length' }]
        return
      }
    }
    if (passed.length > 0) yield passed
  }
}

/** In UTF-16 units. A call that has come so far and still fits is held no longer: writing a file takes a model minutes. */
const maxHeldLength = 4096

class LimitedAnswer {
  readonly #budget
  /** What is being said, by the event that goes on with it. */
  #part: 'text-delta' | 'reasoning-delta' | 'tool-call-delta' | undefined
  #call: ChatEvent[] = []
  #callLength = 0
  /** The call goes out as it comes: whatever it takes, it is brought to its end. */
  #live = false

  constructor(options: TokenBudgetOptions) {
    this.#budget = createTokenBudget(options)
  }

  get isUsedUp(): boolean {
    return this.#budget.isUsedUp() && !this.#live
  }

  /** Goes on with what is being said and surely fits: most of an answer does. */
  passes(event: ChatEvent): boolean {
    const isText = event.type === 'text-delta' || event.type === 'reasoning-delta'
    return isText && event.type === this.#part && this.#budget.spendIfSure(event.text)
  }

  /** @returns what may go out now */
  async add(event: ChatEvent): Promise<readonly ChatEvent[]> {
    const ended = event.type === this.#part ? [] : await this.#endPart()
    return this.isUsedUp ? ended : [...ended, ...(await this.#spendOn(event))]
  }

  async #spendOn(event: ChatEvent): Promise<readonly ChatEvent[]> {
    switch (event.type) {
      case 'text-delta':
      case 'reasoning-delta':
        this.#part = event.type
        return textEvents(event.type, await this.#budget.spend(event.text))
      case 'tool-call-started':
        this.#part = 'tool-call-delta'
        return await this.#hold(event, event.name)
      case 'tool-call-delta':
        return await this.#hold(event, event.argumentsText)
      case 'project-started':
      case 'progress':
      case 'refusal':
      case 'finished':
        return [event]
      default:
        return event satisfies never
    }
  }

  async #hold(event: ChatEvent, text: string): Promise<readonly ChatEvent[]> {
    this.#call.push(event)
    this.#callLength += text.length
    if (!this.#budget.isUsedUp()) await this.#budget.spend(text)
    if (this.#callLength > maxHeldLength && !this.#budget.isUsedUp()) this.#live = true
    return this.#live ? this.#call.splice(0) : []
  }

  async #endPart(): Promise<readonly ChatEvent[]> {
    const part = this.#part
    if (!part) return []
    const rest = await this.#budget.endPart()
    this.#part = undefined
    if (part !== 'tool-call-delta') return textEvents(part, rest)
    const call = this.isUsedUp ? [] : this.#call
    this.#call = []
    this.#callLength = 0
    this.#live = false
    return call
  }
}

const textEvents = (type: 'text-delta' | 'reasoning-delta', text: string): readonly ChatEvent[] =>
  text === '' ? [] : [{ type, text }]
