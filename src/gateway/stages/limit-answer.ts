import type { ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import { createTokenLimit, type TokenLimitOptions } from './limit-tokens.ts'
import { runStage, type Stage } from './stage.ts'

export interface LimitOptions extends Pick<TokenLimitOptions, 'cutToTokens'> {
  /** Any of them ends the text and is no part of it. Empty ones are ignored. */
  readonly stop: readonly string[]
  /** Of reasoning, text and calls together. */
  readonly maxTokens: number | undefined
}

/** Ends an answer where the client wants it to end; the site is left at once. */
export function limitAnswer(
  events: AsyncIterable<ChatEventBatch>,
  { stop, maxTokens, cutToTokens }: LimitOptions,
): AsyncIterable<ChatEventBatch> {
  const stopped = stop.length > 0 ? createStop(stop) : undefined
  const limited = maxTokens === undefined ? undefined : createTokenLimit({ maxTokens, cutToTokens })
  if (!stopped || !limited) {
    const only = stopped ?? limited
    return only ? runStage(events, only) : events
  }
  return runStage(events, {
    push: (batch) => limited.push(stopped.push(batch)),
    get isOver() {
      return stopped.isOver || limited.isOver
    },
  })
}

interface StopStage extends Stage {
  push(batch: ChatEventBatch): ChatEventBatch
}

/** Ends an answer before the first stop sequence in its text, wherever the deltas are cut. Holds back only what may begin one.
 *  Reasoning and calls are not searched. */
function createStop(sequences: readonly string[]): StopStage {
  const finder = createStopFinder(sequences)
  let isOver = false

  return {
    get isOver() {
      return isOver
    },
    push(batch) {
      const start = batch.findIndex((event) => !mayPass(event))
      return start === -1 ? batch : pushFrom(batch, start)
    },
  }

  /** Most of an answer goes out as it is. */
  function mayPass(event: ChatEvent): boolean {
    return event.type === 'text-delta' && finder.passes(event.text)
  }

  function pushFrom(batch: ChatEventBatch, start: number): ChatEventBatch {
    const passed = batch.slice(0, start)
    for (const event of batch.slice(start)) {
      if (mayPass(event)) {
        passed.push(event)
        continue
      }
      const found = search(event)
      if (found?.text) passed.push({ type: 'text-delta', text: found.text })
      if (found?.stopSequence !== undefined) {
        isOver = true
        passed.push({ type: 'finished', reason: 'stop', stopSequence: found.stopSequence })
        return passed
      }
      if (event.type !== 'text-delta') passed.push(event)
    }
    return passed
  }

  function search(event: ChatEvent): Found | undefined {
    switch (event.type) {
      case 'text-delta':
        return finder.add(event.text)
      case 'tool-call-started':
      case 'refusal':
      case 'finished':
        return finder.end()
      case 'project-started':
      case 'reasoning-delta':
      case 'progress':
      case 'tool-call-delta':
        return undefined
      default:
        return event satisfies never
    }
  }
}

interface Found {
  /** What is now known to lie before any stop sequence. */
  readonly text: string
  /** The one that follows it; nothing may be added then. */
  readonly stopSequence?: string
}

/** Finds the sequence that begins first in a text that comes in parts; of two that begin together, the shorter.
 *
 *  By Knuth, Morris and Pratt, so that no unit of the text is looked at again: a client may send 256 sequences of 4096 units, and
 *  a search from each place of the text would then take a second for a few hundred of its units. */
function createStopFinder(sequences: readonly string[]) {
  const matchers = sequences.filter((sequence) => sequence !== '').map(createMatcher)
  const firstUnits = [...new Set(matchers.map(({ sequence }) => sequence.charAt(0)))]
  /** What was not given out. A sequence that was found or has begun lies in it. */
  let held = ''

  return {
    /** Does no sequence begin or continue in the text? Then it need not be added. */
    passes(text: string): boolean {
      return held === '' && !firstUnits.some((unit) => text.includes(unit))
    },
    add(text: string): Found {
      const start = held.length
      held += text
      for (const matcher of matchers) search(matcher, text, start)
      const match = firstMatch(matchers)
      const openFrom = Math.min(held.length, ...matchers.map(openAt))
      // One that begins earlier may still become whole.
      return match && match.foundAt <= openFrom ? stop(match) : { text: giveOut(openFrom) }
    },
    /** No more text can complete a sequence. */
    end(): Found {
      const match = firstMatch(matchers)
      if (match) return stop(match)
      for (const matcher of matchers) matcher.matched = 0
      return { text: giveOut(held.length) }
    },
  }

  function stop({ sequence, foundAt }: Match): Found {
    return { text: giveOut(foundAt), stopSequence: sequence }
  }

  /** Where a sequence begins that may still become whole. */
  function openAt({ foundAt, matched }: Matcher): number {
    return foundAt === undefined ? held.length - matched : Number.POSITIVE_INFINITY
  }

  function giveOut(to: number): string {
    const text = held.slice(0, to)
    held = held.slice(to)
    for (const matcher of matchers) if (matcher.foundAt !== undefined) matcher.foundAt -= to
    return text
  }
}

interface Matcher {
  readonly sequence: string
  readonly borders: Uint32Array
  /** How much of the sequence the text ends with. */
  matched: number
  /** Where in the held text it begins, once it is found. */
  foundAt: number | undefined
}

/** With the length, for each beginning of the sequence, of its longest own beginning that it also ends with. */
function createMatcher(sequence: string): Matcher {
  const borders = new Uint32Array(sequence.length)
  for (let index = 1; index < sequence.length; index += 1) {
    borders[index] = extend(sequence, borders, borders[index - 1] ?? 0, sequence.charCodeAt(index))
  }
  return { sequence, borders, matched: 0, foundAt: undefined }
}

/** @param start  where the text begins within what is held */
function search(matcher: Matcher, text: string, start: number): void {
  if (matcher.foundAt !== undefined) return
  const { sequence, borders } = matcher
  let { matched } = matcher
  for (let index = 0; index < text.length; index += 1) {
    if (matched === 0) {
      index = text.indexOf(sequence.charAt(0), index)
      if (index === -1) break
    }
    matched = extend(sequence, borders, matched, text.charCodeAt(index))
    if (matched === sequence.length) {
      matcher.foundAt = start + index + 1 - matched
      return
    }
  }
  matcher.matched = matched
}

/** How much of the sequence is matched with one more unit. */
function extend(sequence: string, borders: Uint32Array, matched: number, unit: number): number {
  let length = matched
  while (length > 0 && sequence.charCodeAt(length) !== unit) length = borders[length - 1] ?? 0
  return sequence.charCodeAt(length) === unit ? length + 1 : 0
}

type Match = Matcher & { readonly foundAt: number }

function firstMatch(matchers: readonly Matcher[]): Match | undefined {
  let first: Match | undefined
  for (const matcher of matchers) {
    if (!isFound(matcher)) continue
    const isFirst = !first || matcher.foundAt < first.foundAt
    const isShorter = matcher.foundAt === first?.foundAt && matcher.sequence.length < first.sequence.length
    if (isFirst || isShorter) first = matcher
  }
  return first
}

const isFound = (matcher: Matcher): matcher is Match => matcher.foundAt !== undefined
