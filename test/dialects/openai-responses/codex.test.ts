import { describe, expect, it } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import {
  createResponseStreamEncoder,
  encodeResponse,
} from '../../../src/dialects/openai-responses/encode-response.ts'
import type { ToolForms } from '../../../src/dialects/tools.ts'
import { encodeAll } from '../support.ts'
import { answerOf, encodeOptions, hex } from './support.ts'

const call = (name: string, argumentsText: string): ChatEventBatch => [
  { type: 'tool-call-started', id: 'call_1', name },
  { type: 'tool-call-delta', argumentsText },
  { type: 'finished', reason: 'tool-calls' },
]
const toolForms: ToolForms = new Map([
  ['mcp__docs__lookup', { kind: 'function', name: 'lookup', namespace: 'mcp__docs' }],
  ['functions__exec', { kind: 'custom', name: 'exec', namespace: 'functions' }],
  ['tool_search', { kind: 'tool-search', name: 'tool_search' }],
])

describe('what Codex offers comes back as it knows it (FINDINGS C2)', () => {
  it.each([
    [
      call('mcp__docs__lookup', '{"q":"a"}'),
      { type: 'function_call', name: 'lookup', namespace: 'mcp__docs', arguments: '{"q":"a"}' },
    ],
    [
      call('functions__exec', '{"input":"ls"}'),
      { type: 'custom_tool_call', name: 'exec', namespace: 'functions', input: 'ls' },
    ],
    [
      call('tool_search', '{"query":"docs"}'),
      { type: 'tool_search_call', execution: 'client', arguments: { query: 'docs' } },
    ],
  ])('%j', async (batch, item) => {
    const whole = await encodeResponse(answerOf([batch]), encodeOptions({ toolForms }))
    expect(whole.output).toMatchObject([{ ...item, call_id: 'call_1', status: 'completed' }])
    const writes = await encodeAll(createResponseStreamEncoder(encodeOptions({ toolForms })), [batch])
    const done = writes.join('').match(/^data: (\{"type":"response.output_item.done".*)$/m)?.[1] ?? '{}'
    expect(JSON.parse(done)).toMatchObject({ item: { ...item, call_id: 'call_1' } })
  })
})

describe('a conversation in short (FINDINGS C3)', () => {
  const batches: ChatEventBatch[] = [
    [{ type: 'reasoning-delta', text: 'Hm' }],
    [
      { type: 'text-delta', text: 'All ' },
      { type: 'text-delta', text: 'done' },
    ],
    [{ type: 'finished', reason: 'stop' }],
  ]
  const item = {
    type: 'compaction',
    id: `cmp_${hex}00`,
    encrypted_content: `genspark2api-compaction-1:${btoa('All done')}`,
  }

  it('is exactly one item, whole and streamed', async () => {
    const options = encodeOptions({ compacts: true })
    expect((await encodeResponse(answerOf(batches), options)).output).toEqual([item])
    const text = (await encodeAll(createResponseStreamEncoder(options), batches)).join('')
    expect(text.match(/"type":"response.output_item.done"/g)).toHaveLength(1)
    expect(text).not.toContain('output_text')
    const [, done = '{}'] = /^data: (\{"type":"response.output_item.done".*)$/m.exec(text) ?? []
    expect(JSON.parse(done)).toMatchObject({ item })
  })
})
