import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChatEvent, ChatEventBatch } from '../../../src/core/chat-event.ts'
import { ServiceError, UpstreamError } from '../../../src/core/errors.ts'
import {
  type ChatStreamOptions,
  createChatStreamEncoder,
} from '../../../src/dialects/openai-chat/encode-stream.ts'
import { createUsageMeter } from '../../../src/dialects/openai-chat/measure-usage.ts'

const options: ChatStreamOptions = {
  id: 'chatcmpl-1',
  created: 1_700_000_000,
  model: 'gpt-5',
  reasoning: 'reasoning-content',
  streamErrorText: true,
  usage: undefined,
}

const text = (words: string): ChatEvent => ({ type: 'text-delta', text: words })
const thought = (words: string): ChatEvent => ({ type: 'reasoning-delta', text: words })
const finished: ChatEvent = { type: 'finished', reason: 'stop' }

async function* eventsOf(batches: readonly ChatEventBatch[], failure?: Error) {
  yield* batches
  if (failure) throw failure
}

async function encodeAll(batches: readonly ChatEventBatch[], changes: Partial<ChatStreamOptions> = {}) {
  const encoder = createChatStreamEncoder({ ...options, ...changes })
  const writes: string[] = []
  for await (const write of encoder.encode(Promise.resolve({ events: eventsOf(batches) }))) writes.push(write)
  return writes
}

interface Chunk {
  readonly choices: readonly [
    { readonly delta: { content?: string; reasoning_content?: string }; finish_reason: string | null },
  ]
}

const chunksOf = (writes: readonly string[]): Chunk[] =>
  writes
    .join('')
    .split('\n\n')
    .filter((event) => event.startsWith('data: {"id"'))
    .map((event) => JSON.parse(event.slice('data: '.length)))

const deltasOf = (writes: readonly string[]) => chunksOf(writes).map((chunk) => chunk.choices[0]?.delta)

describe('createChatStreamEncoder', () => {
  it('writes role, deltas, finish and end mark, one write a batch (CLIENTS rules 8 to 10)', async () => {
    const writes = await encodeAll([
      [{ type: 'project-started', projectId: 'p' }, thought('Hm')],
      [text('Hel'), text('lo')],
      [finished],
    ])
    const head =
      'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-5","choices":[{"index":0,"delta":'
    const rest = ',"logprobs":null,"finish_reason":null}]}\n\n'
    expect(writes).toEqual([
      `${head}{"role":"assistant","content":""}${rest}${head}{"reasoning_content":"Hm"}${rest}`,
      `${head}{"content":"Hel"}${rest}${head}{"content":"lo"}${rest}`,
      `${head}{},"logprobs":null,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`,
    ])
  })

  it('puts the usage into a chunk of its own behind the finish (CLIENTS rule 9)', async () => {
    const usage = createUsageMeter([{ role: 'user', parts: [{ type: 'text', text: 'four' }] }], (words) =>
      Promise.resolve(words.length),
    )
    const writes = await encodeAll([[thought('ab')], [text('abc'), finished]], { usage })
    const [finish, counted, done] = (writes.at(-1) ?? '').split('\n\n')
    expect(finish).toContain('"finish_reason":"stop"')
    expect(JSON.parse(counted?.slice('data: '.length) ?? '')).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'gpt-5',
      choices: [],
      usage: {
        prompt_tokens: 4,
        completion_tokens: 5,
        total_tokens: 9,
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    })
    expect(done).toBe('data: [DONE]')
  })

  it('tells that an answer was cut by its length', async () => {
    const writes = await encodeAll([[text('a'), { type: 'finished', reason: 'length' }]])
    expect(chunksOf(writes).at(-1)?.choices[0].finish_reason).toBe('length')
  })

  it('gives each think tag a delta of its own (CLIENTS rule 11)', async () => {
    const batches = [[thought('Hm'), thought('m')], [text('Hi')], [thought('again')], [finished]]
    expect(
      deltasOf(await encodeAll(batches, { reasoning: 'think-tags' })).map((delta) => delta?.content),
    ).toEqual(['', '<think>', 'Hm', 'm', '</think>', 'Hi', '<think>', 'again', '</think>', undefined])
  })

  it('leaves hidden reasoning out, but begins with it', async () => {
    const writes = await encodeAll([[thought('Hm')], [text('Hi'), finished]], { reasoning: 'hidden' })
    expect(chunksOf(writes.slice(0, 1))).toHaveLength(1)
    expect(writes.join('')).not.toContain('Hm')
  })

  it('keeps every line under 16 KiB and the text whole, whatever the text (CLIENTS rule 7)', async () => {
    const longText = fc
      .array(fc.constantFrom('😀', '漢', 'a', '\u0000', '"', '\u2028', '\ud800'), {
        minLength: 1,
        maxLength: 8,
      })
      .chain((units) => fc.nat(9000).map((length) => units.join('').repeat(length).slice(0, 20_000)))
    await fc.assert(
      fc.asyncProperty(longText, async (words) => {
        const writes = await encodeAll([[text(words)], [finished]], { model: 'm'.repeat(256) })
        const lines = writes.join('').split('\n')
        expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(16 * 1024)
        expect(writes.join('')).not.toMatch(/[\u0085\u2028\u2029]/)
        const contents = deltasOf(writes).map((delta) => delta?.content ?? '')
        expect(contents.join('')).toBe(words)
      }),
      { numRuns: 30 },
    )
  })

  it('never splits a surrogate pair', async () => {
    const writes = await encodeAll([[text(`a${'😀'.repeat(3000)}`)], [finished]])
    for (const delta of deltasOf(writes)) expect(delta?.content?.isWellFormed() ?? true).toBe(true)
  })

  it('hands a large batch over in parts', async () => {
    const writes = await encodeAll([Array.from({ length: 1000 }, () => text('x'.repeat(1000))), [finished]])
    expect(Math.max(...writes.map((write) => write.length))).toBeLessThan(70_000)
    expect(
      deltasOf(writes)
        .map((delta) => delta?.content ?? '')
        .join(''),
    ).toBe('x'.repeat(1_000_000))
  })

  it('fails when the answer ends without being finished', async () => {
    await expect(encodeAll([[text('a')]])).rejects.toMatchObject({ code: 'upstream_reset' })
  })

  it('ends a broken answer with a text delta and the error, without end mark (CLIENTS rule 3)', async () => {
    const encoder = createChatStreamEncoder({ ...options, reasoning: 'think-tags' })
    const failure = new UpstreamError('reset')
    const pieces = encoder.encode(Promise.resolve({ events: eventsOf([[thought('Hm')]], failure) }))
    await pieces.next()
    await expect(pieces.next()).rejects.toBe(failure)
    const last = encoder.encodeError(failure)
    expect(deltasOf([last]).slice(0, 2)).toEqual([
      { content: '</think>' },
      { content: '\n\n[Genspark closed the connection before the answer was whole.]' },
    ])
    expect(last.slice(last.lastIndexOf('data: '))).toBe(
      'data: {"error":{"message":"Genspark closed the connection before the answer was whole.","type":"upstream_error","param":null,"code":"upstream_reset"}}\n\n',
    )
    expect(last).not.toContain('[DONE]')
    expect(last).not.toContain('"stop"')
  })

  it('writes the error alone when the text delta is switched off', () => {
    const encoder = createChatStreamEncoder({ ...options, streamErrorText: false })
    expect(encoder.encodeError(new ServiceError('internal_error'))).toMatch(/^data: {"error":.*}\n\n$/)
  })

  it('begins with the role even when the error is all there is', () => {
    const last = createChatStreamEncoder(options).encodeError(new ServiceError('queue_timeout'))
    expect(deltasOf([last])[0]).toEqual({ role: 'assistant', content: '' })
  })
})
