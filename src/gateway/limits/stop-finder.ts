import { SequenceMatcher } from './sequence-matcher.ts'

export interface Found {
  /** What is now known to lie before any stop sequence. */
  readonly text: string
  /** The one that follows on it; nothing may be added then. */
  readonly stopSequence?: string
}

export interface StopFinder {
  /** Is it text in which no sequence begins or goes on? Then it is behind us, and need not be added. */
  passes(text: string): boolean
  add(text: string): Found
  /** No more text can complete a sequence. */
  end(): Found
}

/** Finds the sequence that begins first in a text that comes in parts; of two that begin together, the shorter. Takes time in
 *  proportion to the text, whatever the sequences are. Empty ones are nowhere. */
export function createStopFinder(sequences: readonly string[]): StopFinder {
  const matchers = sequences.filter((sequence) => sequence !== '').map((one) => new SequenceMatcher(one))
  /** What was not given out, and where in the text it begins. */
  let held = ''
  let heldFrom = 0

  const firstUnits = new Set(matchers.map(({ sequence }) => sequence.charAt(0)))

  return {
    passes(text) {
      if (held !== '') return false
      for (const unit of firstUnits) if (text.includes(unit)) return false
      heldFrom += text.length
      for (const matcher of matchers) matcher.skip(text.length)
      return true
    },
    add(text) {
      held += text
      for (const matcher of matchers) matcher.add(text)
      const match = firstMatch(matchers)
      const openFrom = Math.min(heldFrom + held.length, ...matchers.map((matcher) => matcher.openFrom))
      // One that begins earlier may still become whole.
      return match && match.foundAt <= openFrom ? stop(match) : { text: giveOut(openFrom) }
    },
    end() {
      const match = firstMatch(matchers)
      return match ? stop(match) : { text: giveOut(heldFrom + held.length) }
    },
  }

  function stop({ sequence, foundAt }: Match): Found {
    return { text: giveOut(foundAt), stopSequence: sequence }
  }

  function giveOut(to: number): string {
    const text = held.slice(0, to - heldFrom)
    held = held.slice(text.length)
    heldFrom += text.length
    return text
  }
}

interface Match {
  readonly sequence: string
  readonly foundAt: number
}

function firstMatch(matchers: readonly SequenceMatcher[]): Match | undefined {
  let first: Match | undefined
  for (const { sequence, foundAt } of matchers) {
    if (foundAt === undefined) continue
    const isFirst = !first || foundAt < first.foundAt
    const isShorter = foundAt === first?.foundAt && sequence.length < first.sequence.length
    if (isFirst || isShorter) first = { sequence, foundAt }
  }
  return first
}
