import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import { UnavailableError, UpstreamError } from '../../../src/core/errors.ts'
import {
  createMessageStreamEncoder,
  type MessageStreamOptions,
} from '../../../src/dialects/anthropic-messages/encode-stream.ts'
import { createUsageMeter } from '../../../src/dialects/measure-usage.ts'
import { encodeAll as encodeWith } from '../support.ts'
import { args, call, countLetters, finished, messageOptions, text, thought } from './support.ts'

const createEncoder = (changes: Partial<MessageStreamOptions> = {}) =>
  createMessageStreamEncoder({ ...messageOptions(changes), requestId: 'req-1' })

const encodeAll = (batches: readonly ChatEventBatch[], changes: Partial<MessageStreamOptions> = {}) =>
  encodeWith(createEncoder(changes), batches)

interface Data {
  readonly type: string
  readonly index?: number
  readonly delta?: { readonly type?: string; readonly text?: string; readonly partial_json?: string }
  readonly [field: string]: unknown
}

/** Every event as an SDK sees it: one without its name, or of another than its data says, would be dropped or wrong. */
function eventsIn(writes: readonly string[]): Data[] {
  const blocks = writes.join('').split('\n\n').slice(0, -1)
  return blocks.map((block) => {
    const [, name, data = ''] = /^event: (\w+)\ndata: (.+)$/.exec(block) ?? []
    const event = JSON.parse(data) as Data
    expect(event.type).toBe(name)
    return event
  })
}

const usageOf = (input: number, output: number, thinking: number) => ({
  input_tokens: input,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: output,
  output_tokens_details: { thinking_tokens: thinking },
})

const textOf = (writes: readonly string[]): string =>
  eventsIn(writes)
    .map(({ delta }) => delta?.text ?? '')
    .join('')

describe('createMessageStreamEncoder', () => {
  it('writes thinking, text and calls as blocks, one write a batch', async () => {
    const writes = await encodeAll([
      [{ type: 'project-started', projectId: 'p' }, thought('Hm')],
      [text('Hel'), text('lo')],
      [call('call_1', 'weather'), args('{"city":'), args('"Paris"}')],
      [call('call_2', 'now'), { type: 'finished', reason: 'tool-calls' }],
    ])
    expect(writes).toHaveLength(5)
    const direct = { type: 'direct' }
    expect(eventsIn(writes)).toEqual([
      {
        type: 'message_start',
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'claude-sonnet-5',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          stop_details: null,
          container: null,
          usage: usageOf(3, 0, 0),
        },
      },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'thinking', thinking: '', signature: '' },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm' } },
      {
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'signature_delta', signature: 'dW5zaWduZWQ=' },
      },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '', citations: null } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hel' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'lo' } },
      { type: 'content_block_stop', index: 1 },
      {
        type: 'content_block_start',
        index: 2,
        content_block: { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {}, caller: direct },
      },
      {
        type: 'content_block_delta',
        index: 2,
        delta: { type: 'input_json_delta', partial_json: '{"city":' },
      },
      {
        type: 'content_block_delta',
        index: 2,
        delta: { type: 'input_json_delta', partial_json: '"Paris"}' },
      },
      { type: 'content_block_stop', index: 2 },
      {
        type: 'content_block_start',
        index: 3,
        content_block: { type: 'tool_use', id: 'toolu_2', name: 'now', input: {}, caller: direct },
      },
      { type: 'content_block_stop', index: 3 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null, stop_details: null, container: null },
        usage: usageOf(4, 2 + 5 + 7 + 16 + 3, 2),
      },
      { type: 'message_stop' },
    ])
  })

  it('writes the bytes that clients expect', async () => {
    const writes = await encodeAll([[text('A "quote"\n\u2028')], [finished]])
    expect(writes[0]).toContain(
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"A \\"quote\\"\\n\\u2028"}}\n\n',
    )
    expect(writes[1]).toMatch(
      /^event: content_block_stop\ndata: \{"type":"content_block_stop","index":0\}\n\nevent: message_delta\n/,
    )
    expect(writes[1]?.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n')).toBe(true)
  })

  it('leaves hidden thinking out, but begins with it and counts it', async () => {
    const writes = await encodeAll([[thought('Hm')], [text('Hi'), finished]], { showThinking: false })
    expect(eventsIn(writes.slice(0, 1)).map(({ type }) => type)).toEqual(['message_start'])
    expect(writes.join('')).not.toContain('Hm')
    expect(eventsIn(writes).at(-2)?.usage).toEqual(usageOf(4, 4, 2))
  })

  it.each([
    [
      { type: 'finished', reason: 'stop' },
      { stop_reason: 'end_turn', stop_sequence: null },
    ],
    [
      { type: 'finished', reason: 'length' },
      { stop_reason: 'max_tokens', stop_sequence: null },
    ],
    [
      { type: 'finished', reason: 'tool-calls' },
      { stop_reason: 'tool_use', stop_sequence: null },
    ],
    [
      { type: 'finished', reason: 'stop', stopSequence: 'END' },
      { stop_reason: 'stop_sequence', stop_sequence: 'END' },
    ],
  ] as const)('tells the end %j', async (end, expected) => {
    expect(eventsIn(await encodeAll([[text('a')], [end]])).at(-2)?.delta).toMatchObject(expected)
  })

  it('tells a refusal in words and by its reason', async () => {
    const writes = await encodeAll([[{ type: 'refusal', text: 'It does not fit.' }], [finished]])
    expect(textOf(writes)).toBe('It does not fit.')
    expect(eventsIn(writes).at(-2)?.delta).toEqual({
      stop_reason: 'refusal',
      stop_sequence: null,
      stop_details: { type: 'refusal', category: null, explanation: null },
      container: null,
    })
  })

  it('tells the tokens of the request that it knows by the first event, and the right ones at the end', async () => {
    const counted = Promise.withResolvers<number>()
    const encoder = createEncoder({
      input: { soFar: () => 17 },
      usage: createUsageMeter({ messages: [] }, countLetters, () => counted.promise),
    })
    const first = encoder.encode([text('a')])
    expect(eventsIn([first])[0]?.message).toMatchObject({ usage: { input_tokens: 17 } })
    const end = Promise.resolve(encoder.encode([finished])).then(() => encoder.end())
    counted.resolve(23)
    expect(eventsIn([await end]).at(-2)?.usage).toMatchObject({ input_tokens: 23, output_tokens: 1 })
  })

  it('pings while files are made', async () => {
    const writes = await encodeAll([
      [{ type: 'progress', done: 0, tasks: 1 }],
      [text('![image](u)'), finished],
    ])
    expect(writes[0]).toBe('event: ping\ndata: {"type":"ping"}\n\n')
    expect(eventsIn(writes)[1]?.type).toBe('message_start')
  })

  it('keeps every line under 16 KiB and text and arguments whole, whatever they are (CLIENTS rule 7)', async () => {
    const longText = fc
      .array(fc.constantFrom('😀', '漢', 'a', '\u0000', '"', '\u2028', '\ud800'), {
        minLength: 1,
        maxLength: 8,
      })
      .chain((units) => fc.nat(9000).map((length) => units.join('').repeat(length).slice(0, 20_000)))
    await fc.assert(
      fc.asyncProperty(longText, async (words) => {
        const batches = [[text(words)], [call('call_1', 'a'), args(words)], [finished]]
        const writes = await encodeAll(batches)
        const lines = writes.join('').split('\n')
        expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(16 * 1024)
        expect(textOf(writes)).toBe(words)
        const sent = eventsIn(writes).map(({ delta }) => delta?.partial_json ?? '')
        expect(sent.join('')).toBe(words)
      }),
      { numRuns: 20 },
    )
  })

  it('fails when the answer ends without being finished', async () => {
    await expect(encodeAll([[text('a')]])).rejects.toMatchObject({ code: 'upstream_reset' })
  })

  it('ends a broken answer with an error event alone: no text of ours, no end', () => {
    const encoder = createEncoder()
    encoder.encode([text('Half')])
    expect(encoder.encodeError(new UpstreamError('reset'))).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"Connection closed by Genspark before the answer was whole."},"request_id":"req-1"}\n\n',
    )
    expect(encoder.encodeError(new UnavailableError('queue_full'))).toContain('"type":"overloaded_error"')
  })
})
