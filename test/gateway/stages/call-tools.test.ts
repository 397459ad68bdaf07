import { describe, expect, it } from 'vitest'
import type { ChatEvent, ChatEventBatch } from '../../../src/core/chat-event.ts'
import type { ToolUse } from '../../../src/core/chat-request.ts'
import { AnswerReader, callTools } from '../../../src/gateway/stages/call-tools.ts'
import { answer, run, tool, tools } from './support.ts'

const call = (name: string, argumentsText: string) =>
  `<tool_call>{"name":"${name}","arguments":${argumentsText}}</tool_call>`

describe('an answer without a call', () => {
  it.each([
    ['plain words', 'The answer is 42.'],
    ['code', 'Look:\n\n```ts\nconst a = b < c\n```\n'],
    ['the mark alone', 'Write `<tool_call>` before it.'],
    ['a call that is quoted', `Write \`${call('read', '{"a":1}')}\` to read.`],
    ['a call that is quoted with two backticks', `Write \`\`${call('read', '{"a":1}')}\`\` to read.`],
    ['a mark with other things in it', '<tool_call> {name: read} </tool_call>'],
    ['the beginning of a mark at the end', 'and then <tool_ca'],
    ['a fence at the end', 'and then\n\n```json\n'],
    ['an unknown tool', `It is ${call('delete', '{"a":1}')} I think`],
    ['invalid JSON', 'No:\n<tool_call>{"name":"read","arguments":{"a":}}</tool_call> end'],
    ['a call cut in its arguments', 'Now\n<tool_call>{"name":"read","arguments":{"a":"b'],
    ['a call without arguments, cut', '<tool_call>{"name":"read"'],
    ['arguments that are a list', call('read', '[1]')],
    ['nothing but white space in the mark', '<tool_call>  \n '],
    ['arguments nested beyond reason', call('read', `{"a":${'['.repeat(80)}${']'.repeat(80)}}`)],
    ['arguments beside the name', '<tool_call>{"name":"read","path":"a"}</tool_call>'],
    ['a name that is none', '<tool_call>{"name":7,"arguments":{}}</tool_call>'],
  ])('stays as it is: %s', async (_, text) => {
    const outcome = await run([answer([...text])])
    expect(outcome.answer).toEqual([text])
    expect(outcome.finished).toEqual({ type: 'finished', reason: 'stop', servedModel: 'gpt-6' })
    expect((await run([answer([text])])).answer).toEqual([text])
  })

  it('goes through at once, but for what may begin a call', async () => {
    const sent: ChatEventBatch[] = []
    for await (const batch of callTools(answer(['one', ' <', 'two ', 'x\n', '\n', 'y']), tools(), options))
      sent.push(batch)
    expect(sent.slice(0, -1)).toEqual(
      ['one', ' ', '<two ', 'x', '\n\ny'].map((text) => [{ type: 'text-delta', text }]),
    )
  })
})

describe('calls', () => {
  it('come behind the text, without the white space between', async () => {
    const outcome = await run([answer([`Let me look.\n\n${call('read', '{"path":"a.ts"}')}\n`])])
    expect(outcome.answer).toEqual([
      'Let me look.',
      { id: 'call_1', name: 'read', arguments: { path: 'a.ts' } },
    ])
    expect(outcome.finished).toEqual({ type: 'finished', reason: 'tool-calls', servedModel: 'gpt-6' })
  })

  const two = [
    { id: 'call_1', name: 'read', arguments: { a: 1 } },
    { id: 'call_2', name: 'write', arguments: { b: '}' } },
  ]
  const first = '{"name":"read","arguments":{"a":1}}'
  const second = '{"name":"write","arguments":{"b":"}"}}'
  it.each([
    ['each in its mark', `<tool_call>${first}</tool_call>\n<tool_call>${second}</tool_call>`],
    ['one behind the other', `<tool_call>${first}</tool_call><tool_call>${second}</tool_call>`],
    ['in one mark', `<tool_call>\n${first}\n${second}\n</tool_call>`],
    ['as a list', `<tool_call>[${first}, ${second}]</tool_call>`],
    [
      'in a mark of several',
      `<tool_calls>\n<tool_call>${first}</tool_call>\n<tool_call>${second}</tool_call>\n</tool_calls>`,
    ],
    ['in a fence', `\`\`\`json\n<tool_call>${first}</tool_call>\n<tool_call>${second}</tool_call>\n\`\`\``],
    [
      'each in a fence',
      `\`\`\`\n<tool_call>${first}</tool_call>\n\`\`\`\n\n\`\`\`\n<tool_call>${second}</tool_call>\n\`\`\``,
    ],
    ['with fences in the mark', `<tool_call>\n\`\`\`json\n${first}\n${second}\n\`\`\`\n</tool_call>`],
    ['without a closing mark', `<tool_call>${first}\n<tool_call>${second}`],
    ['without a last brace', `<tool_call>${first.slice(0, -1)}</tool_call><tool_call>${second.slice(0, -1)}`],
    ['with a brace too many', `<tool_call>${first}}</tool_call><tool_call>${second}}}</tool_call>`],
  ])('may be several: %s', async (_, text) => {
    expect((await run([answer([text])])).answer).toEqual(two)
    expect((await run([answer([...text])])).answer).toEqual(two)
  })

  it.each([
    ['parameters', '{"name":"read","parameters":{"a":1}}', { a: 1 }],
    ['input', '{"name":"read","input":{"a":1}}', { a: 1 }],
    ['arguments first', '{"arguments":{"a":1},"name":"read"}', { a: 1 }],
    [
      'other members',
      '{"id":"x","type":"function","name":"read","arguments":{"a":1},"n":[1,{"a":2}]}',
      { a: 1 },
    ],
    ['a string of JSON', '{"name":"read","arguments":"{\\"a\\":\\"b\\\\nc\\"}"}', { a: 'b\nc' }],
    [
      'a string of JSON with a bare line break',
      '{"name":"read","arguments":"{\\"a\\":\\"b\\nc\\"}"}',
      { a: 'b\nc' },
    ],
    ['no arguments', '{"name":"read"}', {}],
    ['null', '{"name":"read","arguments":null}', {}],
    ['an empty string', '{"name":"read","arguments":""}', {}],
    ['bare control characters', '{"name":"read","arguments":{"a":"b\n\tc\u0001"}}', { a: 'b\n\tc\u0001' }],
    ['a line break behind a backslash', '{"name":"read","arguments":{"a":"b \\\nc"}}', { a: 'b \\\nc' }],
    ['a backslash that escapes nothing', '{"name":"read","arguments":{"a":"\\d+\\\\n"}}', { a: '\\d+\\n' }],
    [
      'what is no escape of a unit',
      '{"name":"read","arguments":{"a":"\\usepackage \\u00e9 \\u00 \\u"}}',
      { a: '\\usepackage é \\u00 \\u' },
    ],
    [
      'what is no escape of a unit, before another escape',
      '{"name":"read","arguments":{"a":"\\u0\\n\\u\\u0041"}}',
      { a: '\\u0\n\\uA' },
    ],
    [
      'marks, braces, quotes and fences in strings',
      `{"name":"read","arguments":{"a":${JSON.stringify(nasty())}}}`,
      { a: nasty() },
    ],
    ['white space everywhere', ' \n { "name" : "read" , \n "arguments" : { "a" : 1 } } \n', { a: 1 }],
  ])('are read as models write them: %s', async (_, json, expected) => {
    const called = [{ id: 'call_1', name: 'read', arguments: expected }]
    const text = `<tool_call>${json}</tool_call>`
    expect((await run([answer([text])])).answer).toEqual(called)
    expect((await run([answer([...text])])).answer).toEqual(called)
  })

  it('keep numbers as they were written', async () => {
    const text = call('read', '{"id":12345678901234567890}')
    expect(await deltasOf(answer([text]))).toEqual(['{"id":12345678901234567890}'])
  })

  it('are read after a call of an unknown tool became text', async () => {
    const unknown = call('delete', '{}')
    const outcome = await run([answer([`${unknown} or ${call('read', '{}')}`])])
    expect(outcome.answer).toEqual([`${unknown} or `, { id: 'call_1', name: 'read', arguments: {} }])
  })

  it.each([
    ['an invented result', '\n<tool_result name="read">made up</tool_result>'],
    ['words', '\nNow I wait.'],
    ['an unknown tool', call('delete', '{}')],
    ['another form', '<tool_call>{name: "read"}'],
  ])('end the answer when something else follows: %s', async (_, behind) => {
    let left = false
    async function* endless(): AsyncGenerator<ChatEventBatch> {
      try {
        yield [{ type: 'text-delta', text: call('read', '{}') + behind }]
        for (;;) yield [{ type: 'text-delta', text: ' and more' }]
      } finally {
        left = true
      }
    }
    const outcome = await run([endless()])
    expect(outcome.answer).toEqual([{ id: 'call_1', name: 'read', arguments: {} }])
    expect(outcome.finished).toEqual({ type: 'finished', reason: 'tool-calls' })
    expect(left).toBe(true)
  })

  it('leave out a half one behind them', async () => {
    const outcome = await run([answer([call('read', '{}'), '<tool_call>{"name":"read","arg'])])
    expect(outcome.answer).toEqual([{ id: 'call_1', name: 'read', arguments: {} }])
    expect(outcome.finished).toMatchObject({ reason: 'tool-calls' })
  })

  it('are one at most when they must not be parallel', async () => {
    const text = call('read', '{}') + call('write', '{}')
    const outcome = await run([answer([text])], tools({ parallel: false }))
    expect(outcome.answer).toEqual([{ id: 'call_1', name: 'read', arguments: {} }])
    expect(outcome.finished).toEqual({ type: 'finished', reason: 'tool-calls' })
  })
})

describe('long arguments', () => {
  const long = { path: 'a.ts', content: `${'x"y\\z\n'.repeat(2000)}` }

  it('go out as they come', async () => {
    const deltas = await deltasOf(answer(call('write', JSON.stringify(long)).match(/[\s\S]{1,100}/g) ?? []))
    expect(deltas.length).toBeGreaterThan(100)
    expect(deltas[0]?.length).toBeLessThan(4300)
    expect(JSON.parse(deltas.join(''))).toEqual(long)
  })

  it('are mended on the way', async () => {
    const bare = `{"content":"${'line\n'.repeat(2000)}"}`
    const deltas = await deltasOf(answer([...call('write', bare)]))
    expect(JSON.parse(deltas.join(''))).toEqual({ content: 'line\n'.repeat(2000) })
  })

  it('are held when their tool is strict', async () => {
    const strict = tools({ definitions: [tool('write', { strict: true })] })
    expect(await deltasOf(answer([...call('write', JSON.stringify(long))]), strict)).toEqual([
      JSON.stringify(long),
    ])
  })

  it.each([
    ['the answer ends first', `<tool_call>{"name":"write","arguments":{"a":"${'x'.repeat(5000)}`],
    ['they are no JSON', call('write', `{"a":"${'x'.repeat(5000)}",}`)],
  ])('break the answer when %s', async (_, text) => {
    await expect(run([answer(text.match(/[\s\S]{1,50}/g) ?? [])])).rejects.toMatchObject({
      kind: 'malformed',
      message: 'The model broke off in a tool call.',
    })
  })

  it('are not mixed with reasoning', async () => {
    const text = call('write', JSON.stringify(long))
    async function* mixed(): AsyncGenerator<ChatEventBatch> {
      yield [{ type: 'text-delta', text: text.slice(0, 6000) }]
      yield [{ type: 'reasoning-delta', text: 'hm' }]
      yield [{ type: 'text-delta', text: text.slice(6000) }]
      yield [{ type: 'finished', reason: 'stop' }]
    }
    const types = (await eventsOf(mixed())).map((event) => event.type)
    expect(types).toEqual([
      'tool-call-started',
      'tool-call-delta',
      'tool-call-delta',
      'reasoning-delta',
      'finished',
    ])
  })
})

it('hands reasoning on at once, also while a call is held', async () => {
  async function* reasoned(): AsyncGenerator<ChatEventBatch> {
    yield [{ type: 'reasoning-delta', text: '<tool_call>' }]
    yield [{ type: 'text-delta', text: '<tool_call>{"name":"read",' }]
    yield [{ type: 'reasoning-delta', text: 'more' }]
    yield [{ type: 'text-delta', text: '"arguments":{}}</tool_call>' }]
    yield [{ type: 'finished', reason: 'stop' }]
  }
  expect((await eventsOf(reasoned())).map((event) => event.type)).toEqual([
    'reasoning-delta',
    'reasoning-delta',
    'tool-call-started',
    'tool-call-delta',
    'finished',
  ])
})

describe('a call that has to come', () => {
  const required = tools({ choice: { type: 'required' } })
  const named = tools({ choice: { type: 'named', name: 'write' } })

  it('is not asked for when it comes', async () => {
    expect((await run([answer([call('read', '{}')])], required)).asked).toEqual([])
  })

  it('is asked for once when it does not', async () => {
    const outcome = await run(
      [answer(['I would rather not.']), answer(['Well:\n', call('read', '{}')])],
      required,
    )
    expect(outcome.answer).toEqual(['I would rather not.', { id: 'call_1', name: 'read', arguments: {} }])
    expect(outcome.finished).toMatchObject({ reason: 'tool-calls' })
    expect(outcome.asked).toMatchObject([{ said: 'I would rather not.' }])
    expect(outcome.asked[0]?.complaint).toContain('no call of one of the tools')
  })

  it('is of the tool that is named', async () => {
    const other = call('read', '{}')
    const outcome = await run([answer([other]), answer([call('write', '{}')])], named)
    expect(outcome.answer).toEqual([other, { id: 'call_1', name: 'write', arguments: {} }])
    expect(outcome.asked[0]?.complaint).toContain('no call of the tool write')
  })

  it('breaks the answer when it never comes', async () => {
    await expect(run([answer(['No.']), answer(['No!'])], named)).rejects.toMatchObject({
      kind: 'malformed',
      message: 'The model did not call the tool write.',
    })
  })

  it('is asked for when the first answer has been left', async () => {
    const order: string[] = []
    async function* first() {
      try {
        yield* answer(['No.'])
      } finally {
        order.push('left')
      }
    }
    for await (const _ of callTools(first(), required, {
      askAgain() {
        order.push('asked')
        return Promise.resolve(answer([call('read', '{}')]))
      },
      createCallId: () => 'call_1',
    }));
    expect(order).toEqual(['left', 'asked'])
  })
})

describe('a strict tool', () => {
  const strict = tools({
    definitions: [
      tool('read'),
      tool('write', {
        strict: true,
        parameters: {
          type: 'object',
          properties: { path: { type: 'string' } },
          required: ['path'],
          additionalProperties: false,
        },
      }),
    ],
  })
  const good = { id: 'call_1', name: 'write', arguments: { path: 'a' } }

  it('is called with what fits', async () => {
    expect(await run([answer([call('write', '{"path":"a"}')])], strict)).toMatchObject({
      answer: [good],
      asked: [],
    })
  })

  it('is called once the arguments have been mended', async () => {
    const bad = call('write', '{"file":"a"}')
    const outcome = await run([answer(['Writing.', bad]), answer([call('write', '{"path":"a"}')])], strict)
    expect(outcome.answer).toEqual(['Writing.', good])
    expect(outcome.asked).toMatchObject([{ said: `Writing.${bad}` }])
    expect(outcome.asked[0]?.complaint).toContain('path')
  })

  it('leaves the calls before it as they are', async () => {
    const text = call('read', '{}') + call('write', '{"path":1}')
    const outcome = await run([answer([text]), answer([call('write', '{"path":"a"}')])], strict)
    expect(outcome.answer).toEqual([
      { id: 'call_1', name: 'read', arguments: {} },
      { ...good, id: 'call_2' },
    ])
  })

  it('breaks the answer when the arguments never fit', async () => {
    const bad = call('write', '{"path":1}')
    await expect(run([answer([bad]), answer([bad])], strict)).rejects.toMatchObject({
      kind: 'malformed',
      message: expect.stringContaining('The model called write with arguments that do not fit'),
    })
  })
})

const options = {
  askAgain: () => Promise.reject(new Error('asked again')),
  createCallId: () => 'call_1',
}

async function eventsOf(events: AsyncIterable<ChatEventBatch>, toolUse = tools()): Promise<ChatEvent[]> {
  const all: ChatEvent[] = []
  for await (const batch of callTools(events, toolUse, options)) all.push(...batch)
  return all
}

async function deltasOf(events: AsyncIterable<ChatEventBatch>, toolUse = tools()): Promise<string[]> {
  return (await eventsOf(events, toolUse)).flatMap((event) =>
    event.type === 'tool-call-delta' ? [event.argumentsText] : [],
  )
}

function nasty(): string {
  return '</tool_call><tool_call>{"name":"read"}\n```json\n{"a": [}]\\" \\\\"}\n```\n\u2028😀'
}

async function saidTo(toolUse: ToolUse): Promise<string> {
  const reader = new AnswerReader({ tools: toolUse, createCallId: () => 'call_1', isRepair: false })
  await reader.read([{ type: 'text-delta', text: 'Let me see.' }])
  return reader.said
}

it('keeps what was said only where it may have to be mended', async () => {
  expect(await saidTo(tools())).toBe('')
  expect(await saidTo(tools({ choice: { type: 'required' } }))).toBe('Let me see.')
  expect(await saidTo(tools({ definitions: [tool('read', { strict: true })] }))).toBe('Let me see.')
})
