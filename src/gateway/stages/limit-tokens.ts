import type { ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import type { CutToTokens } from '../../models/tokens.ts'
import type { Stage } from './stage.ts'

export interface TokenLimitOptions {
  readonly maxTokens: number
  readonly cutToTokens: CutToTokens
}

/** In UTF-16 units. A call that has come so far and still fits is no longer held: writing a file takes a model minutes. */
const maxHeldLength = 4096

type Part = 'text-delta' | 'reasoning-delta' | 'tool-call-delta'

/** Ends an answer after its last token, by the reason `length`. A call is held until it is whole: one that does not fit is left
 *  out, since half a call is none. A long one goes out as it comes, and then to its end. */
export function createTokenLimit(options: TokenLimitOptions): Stage {
  const budget = createTokenBudget(options)
  /** What is being said, named by the event that continues it. */
  let part: Part | undefined
  let call: ChatEvent[] = []
  let callLength = 0
  /** The call goes out as it comes: whatever it takes, it is brought to its end. */
  let isLive = false
  let isOver = false

  return {
    get isOver() {
      return isOver
    },
    push(batch) {
      const start = batch.findIndex((event) => !fits(event))
      return start === -1 ? batch : pushFrom(batch, start)
    },
  }

  /** Does it continue what is being said, and surely fit? Most of an answer does. */
  function fits(event: ChatEvent): boolean {
    const isText = event.type === 'text-delta' || event.type === 'reasoning-delta'
    return isText && event.type === part && budget.spendIfSure(event.text)
  }

  async function pushFrom(batch: ChatEventBatch, start: number): Promise<ChatEventBatch> {
    const passed = batch.slice(0, start)
    for (const event of batch.slice(start)) {
      if (fits(event)) {
        passed.push(event)
        continue
      }
      passed.push(...(await spendOn(event)))
      if (isUsedUp()) {
        isOver = true
        passed.push({ type: 'finished', reason: 'length' })
        return passed
      }
    }
    return passed
  }

  function isUsedUp(): boolean {
    return budget.isUsedUp() && !isLive
  }

  /** @returns what may go out now */
  async function spendOn(event: ChatEvent): Promise<readonly ChatEvent[]> {
    const ended = event.type === part ? [] : await endPart()
    return isUsedUp() ? ended : [...ended, ...(await beginOrContinue(event))]
  }

  async function beginOrContinue(event: ChatEvent): Promise<readonly ChatEvent[]> {
    switch (event.type) {
      case 'text-delta':
      case 'reasoning-delta':
        part = event.type
        return textEvents(event.type, await budget.spend(event.text))
      case 'tool-call-started':
        part = 'tool-call-delta'
        return await holdCall(event, event.name)
      case 'tool-call-delta':
        return await holdCall(event, event.argumentsText)
      case 'project-started':
      case 'progress':
      case 'refusal':
      case 'finished':
        return [event]
      default:
        return event satisfies never
    }
  }

  async function holdCall(event: ChatEvent, text: string): Promise<readonly ChatEvent[]> {
    call.push(event)
    callLength += text.length
    if (!budget.isUsedUp()) await budget.spend(text)
    if (callLength > maxHeldLength && !budget.isUsedUp()) isLive = true
    return isLive ? call.splice(0) : []
  }

  async function endPart(): Promise<readonly ChatEvent[]> {
    if (!part) return []
    const ended = part
    const rest = await budget.endPart()
    part = undefined
    if (ended !== 'tool-call-delta') return textEvents(ended, rest)
    const whole = isUsedUp() ? [] : call
    call = []
    callLength = 0
    isLive = false
    return whole
  }
}

const textEvents = (type: 'text-delta' | 'reasoning-delta', text: string): readonly ChatEvent[] =>
  text === '' ? [] : [{ type, text }]

/** In UTF-16 units: what is remembered of a part until it is counted. Longer than nearly all answers, so that one whose limit is
 *  far away is never counted. */
const maxOpenLength = 1024 * 1024

/** What is left for an answer in parts (reasoning, text, a call), each of them a text in pieces.
 *
 *  Counts as seldom as it can: a token has at least a byte, so that fewer bytes than tokens always fit. A word that comes in
 *  pieces is counted as one, since it may have fewer tokens than its beginning. */
function createTokenBudget({ maxTokens, cutToTokens }: TokenLimitOptions) {
  let tokensLeft = maxTokens
  let usedUp = false
  /** Uncounted: the ends of earlier parts, and the present one, whose own end may still be kept back. */
  let earlier: string[] = []
  let open = ''
  let kept = ''
  let uncountedBytes = 0

  return {
    /** Spends at once what fits without being counted. @returns false when that is not sure, and nothing is spent */
    spendIfSure(text: string): boolean {
      const bytes = Buffer.byteLength(text)
      if (usedUp || kept !== '' || uncountedBytes + bytes > tokensLeft || open.length > maxOpenLength)
        return false
      open += text
      uncountedBytes += bytes
      return true
    },
    /** @returns what may go out now: all that did not yet, but for a last word that seems not to fit */
    async spend(text: string): Promise<string> {
      open += text
      kept += text
      uncountedBytes += Buffer.byteLength(text)
      if (mustCount()) await countEarlier()
      return mustCount() ? await countOpen(lastWordFrom(open)) : giveOut(open.length)
    },
    /** @returns as much of that word as fits */
    async endPart(): Promise<string> {
      const rest = kept === '' ? '' : await countOpen(open.length)
      if (open !== '') earlier.push(open)
      open = ''
      kept = ''
      return rest
    },
    /** Something did not fit. */
    isUsedUp: () => usedUp,
  }

  function mustCount(): boolean {
    return uncountedBytes > tokensLeft || open.length > maxOpenLength
  }

  async function countEarlier(): Promise<void> {
    for (const text of earlier) tokensLeft -= (await cutToTokens(text, tokensLeft)).tokens
    earlier = []
    uncountedBytes = Buffer.byteLength(open)
  }

  /** @param to  a place that no token reaches over, whatever comes later */
  async function countOpen(to: number): Promise<string> {
    const fitting = await cutToTokens(open.slice(0, to), tokensLeft)
    const out = giveOut(fitting.text.length)
    usedUp = fitting.text.length < to
    if (usedUp) return out
    tokensLeft -= fitting.tokens
    open = open.slice(to)
    uncountedBytes = Buffer.byteLength(open)
    usedUp = tokensLeft === 0 && open !== ''
    const word = await cutToTokens(open, tokensLeft)
    return word.text.length < open.length ? out : out + giveOut(open.length)
  }

  /** @param to  a place in `open` */
  function giveOut(to: number): string {
    const out = kept.slice(0, Math.max(0, to - (open.length - kept.length)))
    kept = kept.slice(out.length)
    return out
  }
}

/** In UTF-16 units. A run without spaces is counted in parts, which may cost a token each. */
const maxWordLength = 256

/** Where the last word begins, with the space before it: no token reaches over that place. */
function lastWordFrom(text: string): number {
  const min = Math.max(0, text.length - maxWordLength)
  for (let from = text.length - 1; from > min; from -= 1) {
    if (text[from] === ' ' && /\S/.test(text.charAt(from - 1))) return from
  }
  return min === 0 ? 0 : text.length
}
