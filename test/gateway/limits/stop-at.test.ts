import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stopAt } from '../../../src/gateway/limits/stop-at.ts'
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

test('ends the text before the sequence, names it, and leaves the rest unread', async () => {
  const answer = answerOf(text('one, two'), text('. three'), text('four'), finished)
  expect(await readAll(stopAt(answer, ['. ']))).toEqual([
    text('one, two'),
    { type: 'finished', reason: 'stop', stopSequence: '. ' },
  ])
  expect(answer).toMatchObject({ read: 2, left: true })
})

test('finds a sequence that comes in pieces and gives none of it away', async () => {
  const answer = answerOf(text('one #'), text('#'), text('# two'), finished)
  expect(await readAll(stopAt(answer, ['###']))).toEqual([
    text('one '),
    { type: 'finished', reason: 'stop', stopSequence: '###' },
  ])
})

test('holds back only what may begin a sequence, and no longer than it may', async () => {
  const stopped = stopAt(answerOf(text('one #'), text('## two'), text(' #'), finished), ['####'])
  const batches = []
  for await (const batch of stopped) batches.push(batch)
  expect(batches).toEqual([[text('one ')], [text('### two')], [text(' ')], [text('#'), finished]])
})

test('lets an answer without the sequence through as it is', async () => {
  const events = [text('one'), reasoning('two'), text('three'), { ...finished, servedModel: 'm' }]
  expect(await readAll(stopAt(answerOf(...events), ['four']))).toEqual(events)
})

test('the sequence that begins first wins, though another is whole before it', async () => {
  const answer = answerOf(text('a b c'), text(' d e'), finished)
  expect(await readAll(stopAt(answer, ['c', 'b c d']))).toEqual([
    text('a '),
    { type: 'finished', reason: 'stop', stopSequence: 'b c d' },
  ])
})

test('a sequence waits for an earlier one in vain', async () => {
  const answer = answerOf(text('a b c'), text(' e'), finished)
  expect(textIn(await readAll(stopAt(answer, ['c', 'b c d'])))).toBe('a b ')
})

test('a sequence still waits for an earlier one when the answer ends', async () => {
  expect(await readAll(stopAt(answerOf(text('a b c'), finished), ['c', 'b c d']))).toEqual([
    text('a '),
    text('b '),
    { type: 'finished', reason: 'stop', stopSequence: 'c' },
  ])
})

test('neither reasoning nor calls are looked into', async () => {
  const events = [reasoning('one STOP'), text('two ST'), ...call('find', '{"a":"STOP"}'), finished]
  expect(await readAll(stopAt(answerOf(events), ['STOP']))).toEqual(
    events.flatMap((event) => (event.type === 'text-delta' ? [text('two '), text('ST')] : [event])),
  )
})

test('reasoning in between does not part a sequence', async () => {
  const answer = answerOf(text('one ST'), reasoning('hm'), text('OP two'), finished)
  expect(await readAll(stopAt(answer, ['STOP']))).toEqual([
    text('one '),
    reasoning('hm'),
    { type: 'finished', reason: 'stop', stopSequence: 'STOP' },
  ])
})

test('empty sequences are nowhere', async () => {
  expect(textIn(await readAll(stopAt(answerOf(text('one'), finished), [''])))).toBe('one')
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
      const events = await readAll(stopAt(answerOf(...deltas.map(text), finished), sequences))
      const first = searchFirst(content, sequences)
      expect(textIn(events)).toBe(first ? content.slice(0, first.at) : content)
      expect(events.at(-1)).toEqual(first ? { ...finished, stopSequence: first.sequence } : finished)
    }),
    { numRuns: 1_000 },
  )
})

function searchFirst(content: string, sequences: readonly string[]) {
  return sequences
    .map((sequence) => ({ sequence, at: content.indexOf(sequence) }))
    .filter(({ at }) => at >= 0)
    .toSorted((one, other) => one.at - other.at || one.sequence.length - other.sequence.length)[0]
}

test('every single place to split a text gives the same', async () => {
  const content = 'The end is \n\nHuman: near'
  for (let first = 0; first <= content.length; first += 1) {
    for (let second = first; second <= content.length; second += 1) {
      const deltas = [content.slice(0, first), content.slice(first, second), content.slice(second)]
      const events = await readAll(stopAt(answerOf(...deltas.map(text), finished), ['\n\nHuman:']))
      expect(textIn(events)).toBe('The end is ')
    }
  }
})

test('long sequences that all but match cost no more than others', async () => {
  const sequence = `${'a'.repeat(10_000)}b`
  const deltas = Array.from({ length: 2_000 }, () => text('a'.repeat(500)))
  const events = await readAll(stopAt(answerOf(...deltas, text('b'), finished), [sequence]))
  expect(textIn(events).length).toBe(990_000)
})
