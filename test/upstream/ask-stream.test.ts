import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AskCall, AskStream } from '../../src/upstream/ask-stream.ts'
import type { ReplyEvidence } from '../../src/upstream/failures.ts'
import { createRequestHeaders } from '../../src/upstream/request-headers.ts'
import { dataOf, decode } from './decode.ts'
import { account, fixture, kindOf, manualClock } from './support.ts'

const encode = (text: string) => new TextEncoder().encode(text)

async function* inReads(...reads: readonly (string | Uint8Array)[]) {
  for (const read of reads) yield typeof read === 'string' ? encode(read) : read
}

const baseUrl = 'http://site.test'

const call: AskCall = {
  kind: 'chat',
  generation: 'agent',
  account,
  path: '/api/ask',
  bound: false,
  encodeBody: () => ({}),
  recognise: (evidence) => Object.assign(new Error('no event stream'), { evidence }),
  signal: new AbortController().signal,
}

/** An ask whose reply has these bytes, and whose batches are the data of the events of a read. */
function askOf(reads: AsyncGenerator<Uint8Array>): AskStream<readonly string[]> {
  const access = {
    baseUrl,
    headers: createRequestHeaders(baseUrl),
    clock: manualClock(),
    firstEventTimeoutMs: 20_000,
    idleTimeoutMs: 20_000,
    totalTimeoutMs: 60_000,
    openReply: async () => ({
      status: 200,
      headers: {},
      read: async () => (await reads.next()).value as Uint8Array | undefined,
      close: () => {},
    }),
  }
  let batch: string[] = []
  return new AskStream(access, call, {
    closed: false,
    decode: (data) => batch.push(data) > 0,
    take() {
      const ready = batch
      batch = []
      return ready.length > 0 ? ready : undefined
    },
    finish: () => undefined,
    finishInSpiteOf(error) {
      throw error
    },
  })
}

/** The batches of an event stream, or the text of what came in its place. */
async function readAll(reads: AsyncGenerator<Uint8Array>) {
  const batches: (readonly string[])[] = []
  try {
    for await (const batch of askOf(reads)) batches.push(batch)
  } catch (error) {
    const { evidence } = error as { evidence?: ReplyEvidence }
    if (!evidence) throw error
    return { type: 'other' as const, text: evidence.text }
  }
  return { type: 'events' as const, batches }
}

const wire = 'data: {"text": "Grüße 東京 👋🏽"}\n\ndata: two\n\n: comment\n\ndata: three\n\n'
const events = ['{"text": "Grüße 東京 👋🏽"}', 'two', 'three']

test('F5: every split point of a multi-byte text gives the same events', async () => {
  const bytes = encode(wire)
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const body = await readAll(inReads(bytes.subarray(0, cut), bytes.subarray(cut)))
    expect(body.type === 'events' && body.batches.flat()).toEqual(events)
  }
})

test('F5: any chunking gives the same events', async () => {
  const bytes = encode(wire.repeat(3))
  const cuts = fc.uniqueArray(fc.integer({ min: 0, max: bytes.length }), { maxLength: bytes.length })
  await fc.assert(
    fc.asyncProperty(cuts, async (positions) => {
      const edges = [0, ...positions.sort((a, b) => a - b), bytes.length]
      const reads = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge))
      const body = await readAll(inReads(...reads))
      expect(body.type === 'events' && body.batches.flat()).toEqual([...events, ...events, ...events])
    }),
    { numRuns: 200 },
  )
})

test('all events of one read come in one batch', async () => {
  expect(await readAll(inReads('data: a\n\ndata: b\n\ndata: c', '\n\ndata: d\n\n'))).toEqual({
    type: 'events',
    batches: [
      ['a', 'b'],
      ['c', 'd'],
    ],
  })
})

test('the last event may lack its line feeds', async () => {
  expect(await readAll(inReads('data: a\n\ndata: b'))).toEqual({ type: 'events', batches: [['a'], ['b']] })
})

test('carriage returns and a byte order mark are no obstacle', async () => {
  expect(await readAll(inReads('\uFEFFdata: a\r\n\r\ndata: b\r\n\r\n'))).toEqual({
    type: 'events',
    batches: [['a', 'b']],
  })
})

test.each([
  ['a line of text', 'Rate limit exceeded cf1'],
  ['JSON', '{"status":-5,"message":"not login","data":{}}'],
  ['a page', '<!DOCTYPE html>\n<html>\ndata: 1\n</html>'],
  ['nothing', ''],
  ['white space', ' \n'],
  ['a word like a field', 'dat'],
])('%s is no event stream', async (_name, text) => {
  expect(await readAll(inReads(...text))).toEqual({ type: 'other', text })
})

test('of anything else no more than 64 Ki characters are read', async () => {
  let reads = 0
  async function* endless() {
    for (;;) {
      reads += 1
      yield encode('x'.repeat(16_384))
    }
  }
  const body = await readAll(endless())
  expect(body.type === 'other' && body.text.length).toBe(65_536)
  expect(reads).toBe(4)
})

test.each([
  ['on one line', () => 'x'.repeat(65_536)],
  ['on many lines', () => `data: ${'x'.repeat(65_530)}\n`],
])('F7: an event over 8 MiB %s is refused before more of it is read', async (_name, more) => {
  let reads = 0
  async function* big() {
    yield encode('data: small\n\ndata: ')
    for (;;) {
      reads += 1
      yield encode(more())
    }
  }
  const batches: (readonly string[])[] = []
  const error = await (async () => {
    for await (const batch of askOf(big())) batches.push(batch)
  })().catch((thrown: unknown) => thrown)
  expect(kindOf({ error })).toBe('event-too-large')
  expect(batches).toEqual([['small']])
  expect(reads).toBeLessThanOrEqual(129)
})

const answers = readdirSync(new URL('../fixtures', import.meta.url)).filter((name) =>
  /^(agent|copilot)-/.test(name),
)

test.each(answers)('F5: %s decodes to the same events in any chunking', async (name) => {
  const generation = name.startsWith('agent') ? 'agent' : 'copilot'
  const wire = await fixture(name)
  const whole = decode(generation, dataOf(wire))
  const bytes = Buffer.from(wire)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 }), async (cuts) => {
      const decoded = decode(generation, await readInChunks(bytes, cuts))
      expect(decoded.events).toEqual(whole.events)
      expect(decoded.error).toEqual(whole.error)
    }),
    { numRuns: 25 },
  )
})

async function readInChunks(bytes: Buffer, cuts: readonly number[]): Promise<string[]> {
  const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
  async function* reads() {
    for (const [index, edge] of edges.slice(1).entries()) yield bytes.subarray(edges[index], edge)
  }
  const body = await readAll(reads())
  if (body.type === 'other') throw new Error('an event stream was expected')
  return body.batches.flat()
}

test('an ask that is left while it waits for bytes ends, and the wait with it', async () => {
  async function* silent() {
    yield encode('data: a\n\n')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const ask = askOf(silent())
  expect(await ask.next()).toEqual({ value: ['a'], done: false })
  const waiting = ask.next()
  expect(await ask.return()).toEqual({ value: undefined, done: true })
  expect(await waiting).toEqual({ value: undefined, done: true })
  expect(await ask.next()).toEqual({ value: undefined, done: true })
})

test('events decoded before one that is a failure are handed over first', async () => {
  const ask = askOf(inReads('data: a\n\n', `data: b\n\ndata: ${'x'.repeat(8 * 1024 * 1024 + 1)}`))
  expect((await ask.next()).value).toEqual(['a'])
  expect((await ask.next()).value).toEqual(['b'])
  await expect(ask.next()).rejects.toMatchObject({ kind: 'event-too-large' })
  expect(await ask.next()).toEqual({ value: undefined, done: true })
})
