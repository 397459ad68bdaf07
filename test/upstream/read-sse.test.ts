import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readReplyBody } from '../../src/upstream/read-sse.ts'
import { kindOf } from './support.ts'

const encode = (text: string) => new TextEncoder().encode(text)

async function* inReads(...reads: readonly (string | Uint8Array)[]) {
  for (const read of reads) yield typeof read === 'string' ? encode(read) : read
}

async function readAll(reads: AsyncIterable<Uint8Array>) {
  const body = await readReplyBody(reads)
  if (body.type === 'other') return body
  const batches: (readonly string[])[] = []
  for await (const batch of body.batches) batches.push(batch)
  return { type: body.type, batches }
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
  const body = await readReplyBody(endless())
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
  const body = await readReplyBody(big())
  const error = await (async () => {
    if (body.type === 'other') return
    for await (const batch of body.batches) batches.push(batch)
  })().catch((thrown: unknown) => thrown)
  expect(kindOf({ error })).toBe('event-too-large')
  expect(batches).toEqual([['small']])
  expect(reads).toBeLessThanOrEqual(129)
})
