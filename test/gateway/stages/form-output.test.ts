import { expect, test } from 'vitest'
import type { ChatEvent, ChatEventBatch } from '../../../src/core/chat-event.ts'
import type { OutputFormat } from '../../../src/core/chat-request.ts'
import { formOutput } from '../../../src/gateway/stages/form-output.ts'
import { answerOf, call, finished, readAll, reasoning, text } from '../../support/chat-events.ts'

const anyObject: OutputFormat = { type: 'json-object' }
const person: OutputFormat = {
  type: 'json-schema',
  name: 'person',
  description: undefined,
  schema: { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] },
}

/** Answers one ask after the other, and notes them. */
function repairs(...answers: readonly AsyncIterable<ChatEventBatch>[]) {
  const asks: { said: string; complaint: string }[] = []
  return {
    asks,
    async askAgain(said: string, complaint: string) {
      asks.push({ said, complaint })
      const answer = answers[asks.length - 1]
      if (!answer) throw new Error('asked too often')
      return answer
    },
  }
}

test('JSON that fits is sent whole and nothing is asked again', async () => {
  const end: ChatEvent = { type: 'finished', reason: 'stop', servedModel: 'm' }
  const answer = answerOf(text('{"a'), text('ge": 3'), text('6}'), end)
  expect(await readAll(formOutput(answer, person, repairs()))).toEqual([text('{"age": 36}'), end])
  expect(answer.left).toBe(false)
})

test('JSON is freed of its fence and of the words around it', async () => {
  const answer = answerOf(text('Sure:\n```json\n{"age": 36}\n```\nAnything else?'), finished)
  expect(await readAll(formOutput(answer, person, repairs()))).toEqual([text('{"age": 36}'), finished])
})

test('of two values the one that fits counts', async () => {
  const answer = answerOf(text('Not {"name": "Ada Lovelace"} but {"age": 36}.'), finished)
  expect(await readAll(formOutput(answer, person, repairs()))).toEqual([text('{"age": 36}'), finished])
})

test('reasoning passes while the text is held', async () => {
  const batches = []
  const answer = answerOf(reasoning('hm'), [text('{"age"'), reasoning('so')], text(': 36}'), finished)
  for await (const batch of formOutput(answer, person, repairs())) batches.push(batch)
  expect(batches).toEqual([[reasoning('hm')], [reasoning('so')], [text('{"age": 36}'), finished]])
})

test('the model is told once what does not fit', async () => {
  const { askAgain, asks } = repairs(answerOf(reasoning('oh'), text('{"age": 36}'), finished))
  const answer = answerOf(text('{"age": "old"}'), finished)
  expect(await readAll(formOutput(answer, person, { askAgain }))).toEqual([
    reasoning('oh'),
    text('{"age": 36}'),
    finished,
  ])
  expect(asks).toEqual([
    { said: '{"age": "old"}', complaint: expect.stringContaining('at /age: must be integer') },
  ])
})

test.each<[string, OutputFormat, string, string]>([
  ['of the wrong form', person, '{"age": "secret"}', 'at /age: must be integer'],
  ['without JSON', person, 'I am sorry.', 'it is not valid JSON'],
  ['with an array for an object', anyObject, '[1]', 'at the top: must be object'],
])('a second answer %s is refused in clear words', async (_what, format, said, fault) => {
  const { askAgain } = repairs(answerOf(text(said), finished))
  const events = await readAll(formOutput(answerOf(text(said), finished), format, { askAgain }))
  expect(events).toEqual([{ type: 'refusal', text: expect.stringContaining(fault) }, finished])
  expect(JSON.stringify(events)).not.toContain('secret')
})

test.each<[string, readonly ChatEvent[]]>([
  ['with a call', [...call('find', '{}'), { type: 'finished', reason: 'tool-calls' }]],
  ['that was cut short', [{ type: 'finished', reason: 'length' }]],
])('an answer %s passes as it is', async (_what, end) => {
  const events = await readAll(formOutput(answerOf(text('{"a'), text('ge"'), ...end), person, repairs()))
  expect(events).toEqual([text('{"age"'), ...end])
})

test('text after a call is held no more', async () => {
  const batches = []
  const answer = answerOf(...call('find', '{}'), text('one'), text('two'), finished)
  for await (const batch of formOutput(answer, person, repairs())) batches.push(batch)
  expect(batches.slice(2)).toEqual([[text('one')], [text('two')], [finished]])
})

test('an answer without an end stays without one', async () => {
  expect(await readAll(formOutput(answerOf(text('{"age": 36}')), person, repairs()))).toEqual([])
})

test('an answer that breaks breaks here too', async () => {
  const broken = async function* (): AsyncGenerator<ChatEventBatch> {
    yield [text('{"age": 36}')]
    throw new Error('reset')
  }
  await expect(readAll(formOutput(broken(), person, repairs()))).rejects.toThrow('reset')
})

test('a text without end is left', async () => {
  const answer = answerOf(...Array.from({ length: 100 }, () => text('x'.repeat(100_000))), finished)
  await expect(readAll(formOutput(answer, person, repairs()))).rejects.toMatchObject({ kind: 'malformed' })
  expect(answer).toMatchObject({ read: 11, left: true })
})
