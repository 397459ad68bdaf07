import { expect, test } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import { runStage, type Stage } from '../../../src/gateway/stages/stage.ts'
import { answerOf, finished, readAll, text } from '../../support/chat-events.ts'

const pass: Stage = { push: (batch) => batch, isOver: false }

/** An answer that notes how often it was closed. */
function closable(...batches: readonly (ChatEventBatch | Error)[]) {
  const state = { closed: 0 }
  const left = [...batches]
  const iterator: AsyncIterator<ChatEventBatch> = {
    async next() {
      const batch = left.shift()
      if (batch instanceof Error) throw batch
      return batch ? { done: false, value: batch } : { done: true, value: undefined }
    },
    async return() {
      state.closed += 1
      return { done: true, value: undefined }
    },
  }
  return Object.assign(state, { [Symbol.asyncIterator]: () => iterator })
}

test('batches of which nothing is left are not sent', async () => {
  const answer = answerOf(text('one'), text('two'), finished)
  const stage: Stage = {
    push: (batch) => batch.filter((event) => event.type !== 'text-delta' || event.text === 'two'),
    isOver: false,
  }
  const batches = []
  for await (const batch of runStage(answer, stage)) batches.push(batch)
  expect(batches).toEqual([[text('two')], [finished]])
})

test('waits for a stage only where that waits', async () => {
  const stage: Stage = {
    push: (batch) => (batch[0] === finished ? Promise.resolve(batch) : batch),
    isOver: false,
  }
  expect(await readAll(runStage(answerOf(text('one'), finished), stage))).toEqual([text('one'), finished])
})

test('an answer that the stage ends is closed once, after what was still to be sent', async () => {
  const answer = closable([text('one')], [text('two')])
  const stage = { isOver: false, push: (batch: ChatEventBatch) => batch }
  const events = runStage(answer, stage)[Symbol.asyncIterator]()
  expect(await events.next()).toEqual({ done: false, value: [text('one')] })
  stage.isOver = true
  expect(answer.closed).toBe(0)
  expect(await events.next()).toEqual({ done: true, value: undefined })
  expect(await events.next()).toEqual({ done: true, value: undefined })
  expect(answer.closed).toBe(1)
})

test('goes on with another answer where the stage has one', async () => {
  const stage = {
    isOver: false,
    push(batch: ChatEventBatch) {
      stage.isOver = batch[0] === finished
      return batch
    },
    resume: async () => {
      const again = answerOf(text('two'), text('three'))
      stage.isOver = false
      return again
    },
  }
  expect(await readAll(runStage(answerOf(text('one'), finished, text('unread')), stage))).toEqual([
    text('one'),
    finished,
    text('two'),
    text('three'),
  ])
})

test('a reader that leaves closes the answer', async () => {
  const answer = closable([text('one')], [text('two')])
  for await (const _ of runStage(answer, pass)) break
  expect(answer.closed).toBe(1)
})

test('an answer that comes when the reader has left is closed', async () => {
  const again = closable([text('two')])
  const asked = Promise.withResolvers<typeof again>()
  const stage = {
    isOver: true,
    push: (batch: ChatEventBatch) => batch,
    resume() {
      stage.isOver = false
      return asked.promise
    },
  }
  const events = runStage(answerOf(text('one')), stage)[Symbol.asyncIterator]()
  const next = events.next()
  await events.return?.()
  asked.resolve(again)
  expect(await next).toEqual({ done: true, value: undefined })
  expect(again.closed).toBe(1)
})

test('an answer that breaks is not closed again, and nothing follows', async () => {
  const answer = closable([text('one')], new Error('broken'), [text('two')])
  const events = runStage(answer, pass)[Symbol.asyncIterator]()
  await events.next()
  await expect(events.next()).rejects.toThrow('broken')
  expect(await events.next()).toEqual({ done: true, value: undefined })
  expect(answer.closed).toBe(0)
})

test.each<[string, Stage['push']]>([
  [
    'at once',
    () => {
      throw new Error('rejected')
    },
  ],
  ['later', () => Promise.reject(new Error('rejected'))],
])('an answer that the stage rejects %s is closed', async (_when, push) => {
  const answer = closable([text('one')], [text('two')])
  const events = runStage(answer, { push, isOver: false })[Symbol.asyncIterator]()
  await expect(events.next()).rejects.toThrow('rejected')
  expect(answer.closed).toBe(1)
  expect(await events.next()).toEqual({ done: true, value: undefined })
})
