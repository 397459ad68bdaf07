import fc from 'fast-check'
import { decode, encode } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, test } from 'vitest'
import type { ChatEvent, ChatEventBatch } from '../../../src/core/chat-event.ts'
import { limitAnswer } from '../../../src/gateway/stages/limit-answer.ts'
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

const stopped = (answer: AsyncIterable<ChatEventBatch>, stop: readonly string[]) =>
  limitAnswer(answer, { stop, maxTokens: undefined, cutToTokens })
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

test('remembers at most a megabyte of what is not counted yet', async () => {
  const counted: number[] = []
  const answer = limitAnswer(answerOf(...Array.from({ length: 250 }, () => text('x '.repeat(5_000)))), {
    stop: [],
    maxTokens: 10_000_000,
    cutToTokens: async (content) => {
      counted.push(content.length)
      return { text: content, tokens: content.length / 2 }
    },
  })
  expect(textIn(await readAll(answer))).toHaveLength(2_500_000)
  expect(counted.filter((length) => length > 1_000)).toHaveLength(2)
  expect(Math.max(...counted)).toBeLessThan(1_100_000)
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

describe('stop sequences', () => {
  test('ends the text before the sequence, names it, and leaves the rest unread', async () => {
    const answer = answerOf(text('one, two'), text('. three'), text('four'), finished)
    expect(await readAll(stopped(answer, ['. ']))).toEqual([
      text('one, two'),
      { type: 'finished', reason: 'stop', stopSequence: '. ' },
    ])
    expect(answer).toMatchObject({ read: 2, left: true })
  })

  test('finds a sequence that comes in pieces and gives none of it away', async () => {
    const answer = answerOf(text('one #'), text('#'), text('# two'), finished)
    expect(await readAll(stopped(answer, ['###']))).toEqual([
      text('one '),
      { type: 'finished', reason: 'stop', stopSequence: '###' },
    ])
  })

  test('holds back only what may begin a sequence, and no longer than it may', async () => {
    const given = stopped(answerOf(text('one #'), text('## two'), text(' #'), finished), ['####'])
    const batches = []
    for await (const batch of given) batches.push(batch)
    expect(batches).toEqual([[text('one ')], [text('### two')], [text(' ')], [text('#'), finished]])
  })

  test('lets an answer without the sequence through as it is', async () => {
    const events = [text('one'), reasoning('two'), text('three'), { ...finished, servedModel: 'm' }]
    expect(await readAll(stopped(answerOf(...events), ['four']))).toEqual(events)
  })

  test('the sequence that begins first wins, though another is whole before it', async () => {
    const answer = answerOf(text('a b c'), text(' d e'), finished)
    expect(await readAll(stopped(answer, ['c', 'b c d']))).toEqual([
      text('a '),
      { type: 'finished', reason: 'stop', stopSequence: 'b c d' },
    ])
  })

  test('a sequence waits for an earlier one in vain', async () => {
    const answer = answerOf(text('a b c'), text(' e'), finished)
    expect(textIn(await readAll(stopped(answer, ['c', 'b c d'])))).toBe('a b ')
  })

  test('a sequence still waits for an earlier one when the answer ends', async () => {
    expect(await readAll(stopped(answerOf(text('a b c'), finished), ['c', 'b c d']))).toEqual([
      text('a '),
      text('b '),
      { type: 'finished', reason: 'stop', stopSequence: 'c' },
    ])
  })

  test('neither reasoning nor calls are looked into', async () => {
    const events = [reasoning('one STOP'), text('two ST'), ...call('find', '{"a":"STOP"}'), finished]
    expect(await readAll(stopped(answerOf(events), ['STOP']))).toEqual(
      events.flatMap((event) => (event.type === 'text-delta' ? [text('two '), text('ST')] : [event])),
    )
  })

  test('reasoning in between does not part a sequence', async () => {
    const answer = answerOf(text('one ST'), reasoning('hm'), text('OP two'), finished)
    expect(await readAll(stopped(answer, ['STOP']))).toEqual([
      text('one '),
      reasoning('hm'),
      { type: 'finished', reason: 'stop', stopSequence: 'STOP' },
    ])
  })

  test('empty sequences are nowhere', async () => {
    expect(textIn(await readAll(stopped(answerOf(text('one'), finished), [''])))).toBe('one')
  })

  test('finds what a plain search of the whole text finds, whatever the split', async () => {
    const words = (maxLength: number) =>
      fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength })
    const cases = words(30).chain((content) =>
      fc.record({
        content: fc.constant(content),
        deltas: splitsOf(content),
        sequences: fc.array(words(5), { minLength: 1, maxLength: 4 }),
      }),
    )
    await fc.assert(
      fc.asyncProperty(cases, async ({ content, deltas, sequences }) => {
        const events = await readAll(stopped(answerOf(...deltas.map(text), finished), sequences))
        const first = searchFirst(content, sequences)
        expect(textIn(events)).toBe(first ? content.slice(0, first.at) : content)
        expect(events.at(-1)).toEqual(first ? { ...finished, stopSequence: first.sequence } : finished)
      }),
      { numRuns: 1_000 },
    )
  })

  test('every single place to split a text gives the same', async () => {
    const content = 'The end is \n\nHuman: near'
    for (let first = 0; first <= content.length; first += 1) {
      for (let second = first; second <= content.length; second += 1) {
        const deltas = [content.slice(0, first), content.slice(first, second), content.slice(second)]
        const events = await readAll(stopped(answerOf(...deltas.map(text), finished), ['\n\nHuman:']))
        expect(textIn(events)).toBe('The end is ')
      }
    }
  })

  test('long sequences that all but match cost no more than others', async () => {
    const sequence = `${'a'.repeat(10_000)}b`
    const deltas = Array.from({ length: 2_000 }, () => text('a'.repeat(500)))
    const events = await readAll(stopped(answerOf(...deltas, text('b'), finished), [sequence]))
    expect(textIn(events).length).toBe(990_000)
  })
})

function searchFirst(content: string, sequences: readonly string[]) {
  return sequences
    .map((sequence) => ({ sequence, at: content.indexOf(sequence) }))
    .filter(({ at }) => at >= 0)
    .toSorted((one, other) => one.at - other.at || one.sequence.length - other.sequence.length)[0]
}
