import fc from 'fast-check'
import { decode, encode } from 'gpt-tokenizer/encoding/o200k_base'
import { expect, test } from 'vitest'
import type { ChatEvent } from '../../../src/core/chat-event.ts'
import { limitAnswer } from '../../../src/gateway/limits/limit-answer.ts'
import { cutToTokens } from '../../../src/models/tokens.ts'
import {
  answerOf,
  call,
  finished,
  readAll,
  reasoning,
  splitsOf,
  text,
  textIn,
} from '../../support/chat-events.ts'

const cut: ChatEvent = { type: 'finished', reason: 'length' }
const fox = 'The quick brown fox jumps over the lazy dog.'

const limit = (answer: ReturnType<typeof answerOf>, maxTokens: number, stop: readonly string[] = []) =>
  readAll(limitAnswer(answer, { stop, maxTokens, cutToTokens }))

test('cuts exactly after the last token and leaves the site', async () => {
  const answer = answerOf(text('The quick'), text(' brown fox jumps'), text(' over the'), finished)
  expect(await limit(answer, 4)).toEqual([text('The quick'), text(' brown fox'), cut])
  expect(answer).toMatchObject({ read: 2, left: true })
})

test('an answer of exactly so many tokens is whole', async () => {
  expect(await limit(answerOf(text(fox), finished), 10)).toEqual([text(fox), finished])
  expect(await limit(answerOf(text(fox), finished), 9)).toEqual([text(fox.slice(0, -5)), text(' dog'), cut])
})

test('reasoning counts', async () => {
  const answer = answerOf(reasoning('The quick brown'), text('The quick brown'), finished)
  expect(await limit(answer, 5)).toEqual([reasoning('The quick brown'), text('The quick'), cut])
})

test('nothing but reasoning fits', async () => {
  const answer = answerOf(reasoning('The quick brown'), text('The quick brown'), finished)
  expect(await limit(answer, 2)).toEqual([reasoning('The quick'), cut])
})

test('a call that fits comes whole, with all its deltas', async () => {
  const events = [text('I look.'), ...call('find', '{"word":', '"fox"}'), finished]
  expect(await limit(answerOf(...events), 12)).toEqual(events)
})

test('a call that does not fit is left out whole, and those before it stay', async () => {
  const first = call('find', '{"word":', '"fox"}')
  const second = call('find', '{"word":"the lazy dog over', ' which all jump"}')
  const answer = answerOf(...first, ...second, finished)
  expect(await limit(answer, 12)).toEqual([...first, cut])
  expect(answer.left).toBe(true)
})

test('a call is read no further than it fits', async () => {
  const endless = Array.from({ length: 1_000 }, () => 'the quick brown fox ')
  const answer = answerOf(...call('write', '{"text":"', ...endless), finished)
  expect(await limit(answer, 100)).toEqual([cut])
  expect(answer.read).toBeLessThan(40)
})

test('a long call goes out as it comes, and to its end', async () => {
  const lines = Array.from({ length: 400 }, (_, line) => `line ${line} of the file\\n`)
  const long = call('write', '{"text":"', ...lines, '"}')
  const answer = answerOf(...long, finished)
  const given = limitAnswer(answer, { stop: [], maxTokens: 2_000, cutToTokens })[Symbol.asyncIterator]()
  const { value: first } = await given.next()
  expect(first).toEqual(long.slice(0, first?.length))
  expect(answer.left).toBe(false)
  expect(answer.read).toBeLessThan(long.length)

  const rest = await readAll({ [Symbol.asyncIterator]: () => given })
  expect([...(first ?? []), ...rest]).toEqual([...long, cut])
})

test('a stop sequence before the limit ends the answer, and one after it does not', async () => {
  expect(await limit(answerOf(text(fox), finished), 5, [' fox'])).toEqual([
    text('The quick brown'),
    { type: 'finished', reason: 'stop', stopSequence: ' fox' },
  ])
  expect(await limit(answerOf(text(fox), finished), 5, [' lazy'])).toEqual([
    text('The quick brown fox jumps'),
    cut,
  ])
})

test('counts nothing while there are fewer bytes than tokens', async () => {
  const counting = () => Promise.reject(new Error('counted'))
  const events = [reasoning('hm'), text(fox), ...call('find', '{}'), finished]
  const answer = limitAnswer(answerOf(...events), { stop: [], maxTokens: 60, cutToTokens: counting })
  expect(await readAll(answer)).toEqual(events)
})

test('counts each text only a few times, however it is split', async () => {
  let counted = 0
  const words = fox.repeat(2_000).split(/(?= )/)
  const answer = limitAnswer(answerOf(...words.map(text), finished), {
    stop: [],
    maxTokens: 10_000,
    cutToTokens: (content, maxTokens) => {
      counted += content.length
      return cutToTokens(content, maxTokens)
    },
  })
  const given = textIn(await readAll(answer))
  expect(given).toBe(decode(encode(fox.repeat(2_000)).slice(0, 10_000)))
  expect(counted).toBeLessThan(3 * given.length)
})

test('a long answer is counted as it comes, together with the reasoning before it', async () => {
  const long = fox.repeat(10_000)
  const answer = answerOf(reasoning('The quick brown'), ...long.split(/(?= over)/).map(text), finished)
  const given = textIn(await limit(answer, 80_000))
  expect(given).toBe(decode(encode(long).slice(0, 79_997)))
})

test('without a limit and without a sequence the events are untouched', () => {
  const answer = answerOf(finished)
  expect(limitAnswer(answer, { stop: [], maxTokens: undefined, cutToTokens })).toBe(answer)
})

test('the cut is where the whole text would be cut, whatever the split', async () => {
  const cases = fc.lorem({ maxCount: 12 }).chain((content) =>
    fc.record({
      content: fc.constant(content),
      deltas: splitsOf(content),
      maxTokens: fc.integer({ min: 1, max: 60 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(cases, async ({ content, deltas, maxTokens }) => {
      const tokens = encode(content)
      const events = await limit(answerOf(...deltas.map(text), finished), maxTokens)
      const given = textIn(events)
      expect(events.at(-1)).toEqual(tokens.length > maxTokens ? cut : finished)
      // A beginning of a word may have gone out that has as many tokens, but others.
      if (given !== decode(tokens.slice(0, maxTokens))) expect(encode(given).length).toBe(maxTokens)
      expect(content.startsWith(given)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('a word whose beginning would not fit is given out once it does', async () => {
  // "pellentesq" has more tokens than "pellentesque".
  const [before, after] = ['nibh pellentesq', 'ue']
  const fitting = encode(before + after).length
  expect(encode(before).length).toBeGreaterThan(fitting)
  expect(await limit(answerOf(text(before), text(after), finished), fitting)).toEqual([
    text('nibh'),
    text(' pellentesque'),
    finished,
  ])
})

test('no token more goes out in reasoning, text and calls together, whatever the split', async () => {
  const cases = fc.tuple(fc.lorem({ maxCount: 6 }), fc.lorem({ maxCount: 6 })).chain(([thought, said]) =>
    fc.record({
      thoughts: splitsOf(thought),
      says: splitsOf(said),
      maxTokens: fc.integer({ min: 1, max: 40 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(cases, async ({ thoughts, says, maxTokens }) => {
      const calls = call('find', ...says)
      const events = [...thoughts.map(reasoning), ...says.map(text), ...calls, finished]
      const given = await limit(answerOf(...events), maxTokens)
      const of = (type: string) =>
        given.map((event) => ('text' in event && event.type === type ? event.text : '')).join('')
      const isCalled = given.some((event) => event.type === 'tool-call-started')
      const spent = [of('reasoning-delta'), of('text-delta'), isCalled ? `find${says.join('')}` : '']
      const tokens = spent.reduce((sum, part) => sum + encode(part).length, 0)
      expect(tokens).toBeLessThanOrEqual(maxTokens)
      if (isCalled) expect(given.slice(-calls.length - 1)).toEqual([...calls, finished])
      else expect(given.at(-1)).toEqual(cut)
    }),
    { numRuns: 300 },
  )
})
