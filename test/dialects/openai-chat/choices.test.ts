import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import { mergeChoices, mergeStreams } from '../../../src/dialects/openai-chat/choices.ts'

async function* numbers(from: number, to: number) {
  for (let number = from; number < to; number++) yield number
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const pieces: T[] = []
  for await (const piece of source) pieces.push(piece)
  return pieces
}

it('gives the pieces of each source in order, and keeps no source waiting for another', async () => {
  const pieces = await collect(mergeStreams([numbers(0, 100), numbers(100, 200), numbers(200, 203)]))
  expect(pieces.filter((piece) => piece < 100)).toEqual(await collect(numbers(0, 100)))
  expect(pieces.filter((piece) => piece >= 100 && piece < 200)).toEqual(await collect(numbers(100, 200)))
  expect(pieces.slice(0, 9).filter((piece) => piece >= 200)).toEqual([200, 201, 202])
})

it('pulls a source again only when its piece was taken', async () => {
  let made = 0
  async function* counting() {
    for (;;) yield ++made
  }
  const merged = mergeStreams([counting(), numbers(0, 0)])
  await merged.next()
  await merged.next()
  expect(made).toBe(2)
  await merged.return(undefined)
})

it('holds nothing that went by while one source is waited for', async () => {
  const made: WeakRef<object>[] = []
  async function* making() {
    for (;;) {
      const piece = {}
      made.push(new WeakRef(piece))
      yield piece
    }
  }
  const wait = Promise.withResolvers<object>()
  async function* waiting() {
    yield await wait.promise
  }
  const merged = mergeStreams<object>([making(), waiting()])
  for (let taken = 0; taken < 100; taken++) await merged.next()
  // What a weak reference was made of lives to the end of the turn.
  await nextTurn()
  collectGarbage()
  expect(made.filter((piece) => piece.deref()).length).toBeLessThan(10)
  wait.resolve({})
  await merged.return(undefined)
})

it('leaves every source when it is left, also one that waits', async () => {
  const left: string[] = []
  const wait = Promise.withResolvers<void>()
  async function* source(name: string, waiting: boolean) {
    try {
      if (waiting) await wait.promise
      yield name
      yield name
    } finally {
      left.push(name)
    }
  }
  for await (const name of mergeStreams([source('ready', false), source('waiting', true)])) {
    expect(name).toBe('ready')
    break
  }
  await expect.poll(() => left).toEqual(['ready'])
  wait.resolve()
  await expect.poll(() => left).toEqual(['ready', 'waiting'])
})

it('fails with the first failure; a later one goes nowhere', async () => {
  const late = Promise.withResolvers<string>()
  async function* one(piece: Promise<string>) {
    yield await piece
  }
  const merged = mergeStreams([one(late.promise), one(Promise.reject(new Error('early')))])
  await expect(merged.next()).rejects.toThrow('early')
  late.reject(new Error('late'))
  expect((await merged.next()).done).toBe(true)
})

const batchOf = (text: string): ChatEventBatch => [{ type: 'text-delta', text }]

it('merges choices from the first that begins, each batch with its choice', async () => {
  async function* answer(...texts: string[]) {
    for (const text of texts) yield batchOf(text)
  }
  const late = Promise.withResolvers<{ events: AsyncIterable<ChatEventBatch> }>()
  const { events } = await mergeChoices([late.promise, Promise.resolve({ events: answer('a', 'b') })])
  late.resolve({ events: answer('c') })
  expect((await collect(events)).toSorted((one, other) => one.choice - other.choice)).toEqual([
    { choice: 0, batch: batchOf('c') },
    { choice: 1, batch: batchOf('a') },
    { choice: 1, batch: batchOf('b') },
  ])
})

it('fails with the answer that fails before any has begun, and leaves one that begins later', async () => {
  const left = Promise.withResolvers<void>()
  async function* answer() {
    try {
      yield batchOf('a')
      yield batchOf('b')
    } finally {
      left.resolve()
    }
  }
  const late = Promise.withResolvers<{ events: AsyncIterable<ChatEventBatch> }>()
  await expect(mergeChoices([late.promise, Promise.reject(new Error('early'))])).rejects.toThrow('early')
  late.resolve({ events: answer() })
  await left.promise
})

it('leaves every choice when the merged stream is left before its first batch was taken', async () => {
  const left: number[] = []
  async function* answer(choice: number) {
    try {
      yield batchOf('a')
      yield batchOf('b')
    } finally {
      left.push(choice)
    }
  }
  const { events } = await mergeChoices([0, 1].map(async (choice) => ({ events: answer(choice) })))
  await events[Symbol.asyncIterator]().return?.()
  await expect.poll(() => left.toSorted()).toEqual([0, 1])
})
