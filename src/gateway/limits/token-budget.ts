import type { CutToTokens } from '../../models/tokens.ts'

/** Of an answer in parts (reasoning, text, a call), each of them a text in pieces. */
export interface TokenBudget {
  /** Spends at once what fits without being counted. @returns false when that is not sure, and nothing is spent */
  spendIfSure(text: string): boolean
  /** @returns what may go out now: all that did not yet, but for a last word that seems not to fit */
  spend(text: string): Promise<string>
  /** @returns as much of that word as fits */
  endPart(): Promise<string>
  /** Something did not fit. */
  isUsedUp(): boolean
}

export interface TokenBudgetOptions {
  readonly maxTokens: number
  readonly cutToTokens: CutToTokens
}

/** Counts as seldom as it can: a token has at least a byte, so that fewer bytes than tokens always fit. A word that comes in
 *  pieces is counted as one, since it may have fewer tokens than its beginning. */
export function createTokenBudget({ maxTokens, cutToTokens }: TokenBudgetOptions): TokenBudget {
  let tokensLeft = maxTokens
  let usedUp = false
  /** Uncounted: the ends of earlier parts, and of the present one, whose end in turn did not go out. */
  let earlier: string[] = []
  let open = ''
  let kept = ''
  let uncountedBytes = 0

  return {
    spendIfSure(text) {
      const bytes = Buffer.byteLength(text)
      if (usedUp || kept !== '' || uncountedBytes + bytes > tokensLeft || open.length > maxOpenLength)
        return false
      open += text
      uncountedBytes += bytes
      return true
    },
    async spend(text) {
      open += text
      kept += text
      uncountedBytes += Buffer.byteLength(text)
      if (mustCount()) await countEarlier()
      return mustCount() ? await countOpen(lastWordFrom(open)) : giveOut(open.length)
    },
    async endPart() {
      const rest = kept === '' ? '' : await countOpen(open.length)
      if (open !== '') earlier.push(open)
      open = ''
      kept = ''
      return rest
    },
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

  /** @param to  what comes later changes no token before this */
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

/** In UTF-16 units: what is remembered of a part until it is counted. */
const maxOpenLength = 64 * 1024

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
