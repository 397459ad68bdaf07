import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChatAnswer, ChatEvent, ChatEventBatch } from '../../../src/core/chat-event.ts'
import { ServiceError, UpstreamError } from '../../../src/core/errors.ts'
import { createUsageMeter } from '../../../src/dialects/measure-usage.ts'
import { mergeChoices } from '../../../src/dialects/openai-chat/choices.ts'
import {
  type ChatStreamOptions,
  createChatStreamEncoder,
  createChoicesStreamEncoder,
} from '../../../src/dialects/openai-chat/encode-stream.ts'
import { encodeAll as encodeWith } from '../support.ts'

const options: ChatStreamOptions = {
  id: 'chatcmpl-1',
  created: 1_700_000_000,
  model: 'gpt-5',
  reasoning: 'reasoning-content',
  callStyle: 'tool-calls',
  choices: 1,
  streamErrorText: true,
  usage: undefined,
}

const text = (words: string): ChatEvent => ({ type: 'text-delta', text: words })
const thought = (words: string): ChatEvent => ({ type: 'reasoning-delta', text: words })
const call = (id: string, name: string): ChatEvent => ({ type: 'tool-call-started', id, name })
const args = (argumentsText: string): ChatEvent => ({ type: 'tool-call-delta', argumentsText })
const refusal = (words: string): ChatEvent => ({ type: 'refusal', text: words })
const finished: ChatEvent = { type: 'finished', reason: 'stop' }

const encodeAll = (batches: readonly ChatEventBatch[], changes: Partial<ChatStreamOptions> = {}) =>
  encodeWith(createChatStreamEncoder({ ...options, ...changes }), batches)

interface Chunk {
  readonly choices: readonly [
    {
      readonly index: number
      readonly delta: {
        content?: string | null
        reasoning_content?: string
        tool_calls?: { function: { arguments: string } }[]
      }
      readonly finish_reason: string | null
    },
  ]
}

const chunksOf = (writes: readonly string[]): Chunk[] =>
  writes
    .join('')
    .split('\n\n')
    .filter((event) => event.startsWith('data: {"id"'))
    .map((event) => JSON.parse(event.slice('data: '.length)))

const deltasOf = (writes: readonly string[]) => chunksOf(writes).map((chunk) => chunk.choices[0]?.delta)

const argumentsIn = (delta: { tool_calls?: { function: { arguments: string } }[] }) =>
  delta.tool_calls?.[0]?.function.arguments ?? ''

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
      `${head}{},"logprobs":null,"finish_reason":"stop"}]}\n\n`,
      'data: [DONE]\n\n',
    ])
  })

  it('puts the usage into a chunk of its own behind the finish (CLIENTS rule 9)', async () => {
    const messages = [{ role: 'user', parts: [{ type: 'text', text: 'four' }] }] as const
    const usage = [createUsageMeter({ messages }, (words) => Promise.resolve(words.length))]
    const writes = await encodeAll([[thought('ab')], [text('abc'), finished]], { usage })
    const [finish, counted, done] = writes.slice(-2).join('').split('\n\n').slice(-4)
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

  it('tells calls by index, with the id once and empty arguments first (CLIENTS 3)', async () => {
    const writes = await encodeAll([
      [text('Let me see.')],
      [call('c1', 'add'), args('{"a":'), args('1}')],
      [call('c2', 'add'), args('{}')],
      [{ type: 'finished', reason: 'tool-calls' }],
    ])
    const made = (index: number, fields: object) => ({ tool_calls: [{ index, ...fields }] })
    expect(deltasOf(writes)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'Let me see.' },
      made(0, { id: 'c1', type: 'function', function: { name: 'add', arguments: '' } }),
      made(0, { function: { arguments: '{"a":' } }),
      made(0, { function: { arguments: '1}' } }),
      made(1, { id: 'c2', type: 'function', function: { name: 'add', arguments: '' } }),
      made(1, { function: { arguments: '{}' } }),
      {},
    ])
    expect(chunksOf(writes).at(-1)?.choices[0].finish_reason).toBe('tool_calls')
  })

  it('answers functions in kind', async () => {
    const writes = await encodeAll(
      [[call('c1', 'add'), args('{}')], [{ type: 'finished', reason: 'tool-calls' }]],
      { callStyle: 'function-call' },
    )
    expect(deltasOf(writes)).toEqual([
      { role: 'assistant', content: null },
      { function_call: { name: 'add', arguments: '' } },
      { function_call: { arguments: '{}' } },
      {},
    ])
    expect(chunksOf(writes).at(-1)?.choices[0].finish_reason).toBe('function_call')
  })

  it('closes the think tag before a call and before a refusal', async () => {
    const reasoning = 'think-tags'
    const called = await encodeAll([[thought('Hm'), call('c1', 'add'), finished]], { reasoning })
    expect(deltasOf(called).map((delta) => delta?.content)).toEqual([
      '',
      '<think>',
      'Hm',
      '</think>',
      undefined,
      undefined,
    ])
    const refused = await encodeAll([[thought('Hm'), refusal('No'), finished]], { reasoning })
    expect(deltasOf(refused).slice(-3)).toEqual([{ content: '</think>' }, { refusal: 'No' }, {}])
  })

  it('tells a refusal in a field of its own', async () => {
    const writes = await encodeAll([[refusal('It did not fit'), finished]])
    expect(deltasOf(writes)).toEqual([
      { role: 'assistant', content: null },
      { refusal: 'It did not fit' },
      {},
    ])
  })

  it('keeps the lines of long arguments short (CLIENTS rule 7)', async () => {
    const argumentsText = JSON.stringify({ text: '"\u0000😀'.repeat(20_000) })
    const writes = await encodeAll([[call('c1', 'write'), args(argumentsText), finished]])
    const lines = writes.join('').split('\n')
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(16 * 1024)
    const parts = chunksOf(writes).map(({ choices: [{ delta }] }) => argumentsIn(delta))
    expect(parts.join('')).toBe(argumentsText)
  })

  it('fails when the answer ends without being finished', async () => {
    await expect(encodeAll([[text('a')]])).rejects.toMatchObject({ code: 'upstream_reset' })
  })

  it('ends a broken answer with a text delta and the error, without end mark (CLIENTS rule 3)', () => {
    const encoder = createChatStreamEncoder({ ...options, reasoning: 'think-tags' })
    const failure = new UpstreamError('reset')
    encoder.encode([thought('Hm')])
    const last = encoder.encodeError(failure)
    expect(deltasOf([last]).slice(0, 2)).toEqual([
      { content: '</think>' },
      { content: '\n\n[Connection closed by Genspark before the answer was whole.]' },
    ])
    expect(last.slice(last.lastIndexOf('data: '))).toBe(
      'data: {"error":{"message":"Connection closed by Genspark before the answer was whole.","type":"server_error","param":null,"code":"upstream_reset"}}\n\n',
    )
    expect(last).not.toContain('[DONE]')
    expect(last).not.toContain('"stop"')
  })

  it('writes the error alone when the text delta is switched off', () => {
    const encoder = createChatStreamEncoder({ ...options, streamErrorText: false })
    expect(encoder.encodeError(new ServiceError('internal_error'))).toMatch(/^data: {"error":.*}\n\n$/)
  })

  it('writes no line break within the error, of whatever kind', () => {
    const error = new UpstreamError('malformed', { message: 'one\u2028two\u0085three' })
    const last = createChatStreamEncoder(options).encodeError(error)
    expect(last).not.toMatch(/[\u0085\u2028]/)
    expect(last).toContain('"message":"one\\u2028two\\u0085three"')
  })

  it('begins with the role even when the error is all there is', () => {
    const last = createChatStreamEncoder(options).encodeError(new ServiceError('queue_timeout'))
    expect(deltasOf([last])[0]).toEqual({ role: 'assistant', content: '' })
  })
})

describe('several choices in one stream', () => {
  /** Answers that are told when to go on. */
  function answers(count: number) {
    const asked = Array.from({ length: count }, () => Promise.withResolvers<readonly ChatEventBatch[]>())
    const left: number[] = []
    let next = 0
    async function* eventsOfChoice(index: number) {
      try {
        yield [text(`begin ${index}`)]
        yield* (await asked[index]?.promise) ?? []
      } finally {
        left.push(index)
      }
    }
    return { asked, left, answer: async () => ({ events: eventsOfChoice(next++) }) }
  }

  async function* encodeMerged(
    encoder: ReturnType<typeof createChoicesStreamEncoder>,
    answer: () => Promise<ChatAnswer>,
  ) {
    const { events } = await mergeChoices([answer(), answer(), answer()])
    for await (const tagged of events) yield encoder.encode(tagged)
    yield await encoder.end()
  }

  it('asks for all at once and writes each as it comes, by its index, with one end', async () => {
    const { asked, answer } = answers(3)
    const encoder = createChoicesStreamEncoder({ ...options, choices: 3 })
    const writes: string[] = []
    for await (const write of encodeMerged(encoder, answer)) {
      writes.push(write)
      if (writes.length === 3) asked[2]?.resolve([[text('c'), finished]])
      if (write.includes('"content":"c"'))
        asked[0]?.resolve([[text('a'), { type: 'finished', reason: 'length' }]])
      if (write.includes('"content":"a"')) asked[1]?.resolve([[call('c1', 'add'), finished]])
    }
    const told = chunksOf(writes).map(({ choices: [{ index, delta, finish_reason }] }) => [
      index,
      finish_reason ?? Object.keys(delta)[0],
      delta.content,
    ])
    expect(told.slice(6)).toEqual([
      [2, 'content', 'c'],
      [2, 'stop', undefined],
      [0, 'content', 'a'],
      [0, 'length', undefined],
      [1, 'tool_calls', undefined],
      [1, 'stop', undefined],
    ])
    for (const index of [0, 1, 2]) expect(told).toContainEqual([index, 'content', `begin ${index}`])
    expect(writes.filter((write) => write.includes('[DONE]'))).toHaveLength(1)
  })

  it('tells every choice that is not whole when one breaks, and leaves them', async () => {
    const { asked, left, answer } = answers(3)
    const encoder = createChoicesStreamEncoder({ ...options, choices: 3 })
    const failure = new UpstreamError('reset')
    const writes: string[] = []
    const read = async () => {
      for await (const write of encodeMerged(encoder, answer)) {
        writes.push(write)
        if (writes.length === 3) asked[1]?.resolve([[finished]])
        if (writes.length === 4) asked[0]?.reject(failure)
      }
    }
    await expect(read()).rejects.toBe(failure)
    const last = encoder.encodeError(failure)
    expect(chunksOf([last]).map(({ choices: [{ index, finish_reason }] }) => [index, finish_reason])).toEqual(
      [
        [0, null],
        [2, null],
      ],
    )
    asked[2]?.resolve([])
    await expect.poll(() => left.toSorted()).toEqual([0, 1, 2])
  })
})
