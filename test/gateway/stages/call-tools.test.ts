import { describe, expect, it } from 'vitest'
import type { ChatEvent, ChatEventBatch } from '../../../src/core/chat-event.ts'
import { UpstreamError } from '../../../src/core/errors.ts'
import { callTools } from '../../../src/gateway/stages/call-tools.ts'
import { answer, collect, run, tool, tools } from './support.ts'

const call = (name: string, argumentsText: string) =>
  `<tool_call>{"name":"${name}","arguments":${argumentsText}}</tool_call>`

describe('an answer without a call', () => {
  it.each([
    ['plain words', 'The answer is 42.'],
    ['code', 'Look:\n\n```ts\nconst a = b < c\n```\n'],
    ['the mark alone', 'Write `<tool_call>` before it.'],
    ['a call that is quoted', `Write \`${call('read', '{"a":1}')}\` to read.`],
    ['a call that is quoted with two backticks', `Write \`\`${call('read', '{"a":1}')}\`\` to read.`],
    ['the beginning of a mark at the end', 'and then <tool_ca'],
    ['a fence at the end', 'and then\n\n```json\n'],
    ['an unknown tool', `It is ${call('delete', '{"a":1}')} I think`],
    ['invalid JSON', 'No:\n<tool_call>{"name":"read","arguments":{"a":}}</tool_call> end'],
    ['nothing but white space in the mark', '<tool_call>  \n '],
    ['a call with words behind it', `${call('read', '{}')}\nNow I wait.`],
    ['a call with another in words behind it', `${call('read', '{}')}\nor ${call('write', '{}')}?`],
    ['FINDINGS T1: a call in quotes', `Do not run "${call('read', '{}')}" yet; it is only an example.`],
    [
      'FINDINGS T1: a call in a fence',
      `\`\`\`xml\n${call('read', '{}')}\n\`\`\`\nI have not run it; say yes if I should.`,
    ],
    ['an example at the end', `For example:\n\`\`\`\n${call('read', '{}')}\n\`\`\``],
    ['a call within a block of code', `\`\`\`ts\nconst a = 1\n${call('read', '{}')}\n\`\`\``],
    ['JSON that is no call', '{"name":"my-app","version":"1.0.0"}'],
  ])('stays as it is: %s', async (_, text) => {
    const outcome = await run([answer([...text])])
    expect(outcome.answer).toEqual([text])
    expect(outcome.finished).toEqual({ type: 'finished', reason: 'stop', servedModel: 'gpt-6' })
    expect((await run([answer([text])])).answer).toEqual([text])
  })

  it.each([
    ['a mark with other things in it', '<tool_call> {name: read} </tool_call>'],
    ['a call cut in its arguments', 'Now\n<tool_call>{"name":"read","arguments":{"a":"b'],
    ['a call without arguments, cut', '<tool_call>{"name":"read"'],
    ['arguments that are a list', call('read', '[1]')],
    ['arguments nested beyond reason', call('read', `{"a":${'['.repeat(80)}${']'.repeat(80)}}`)],
    ['arguments beside the name', '<tool_call>{"name":"read","path":"a"}</tool_call>'],
    ['a name that is none', '<tool_call>{"name":7,"arguments":{}}</tool_call>'],
    ['a call within a line', `Now ${call('read', '{}')}`],
    ['a call in a fence that nobody announced', `Well.\n\`\`\`json\n${call('read', '{}')}\n\`\`\``],
  ])(
    'is asked about where it may hold one, and stays as it is if there is none then: FINDINGS T2, %s',
    async (_, text) => {
      for (const again of ['NONE', text]) {
        for (const texts of [[text], [...text]]) {
          const outcome = await run([answer(texts), answer([again])])
          expect(outcome.answer).toEqual([text])
          expect(outcome.asked).toHaveLength(1)
          expect(outcome.finished).toEqual({ type: 'finished', reason: 'stop', servedModel: 'gpt-6' })
        }
      }
      const mended = await run([answer([text]), answer([call('read', '{"a":1}')])])
      expect(mended.answer.at(-1)).toEqual({ id: 'call_1', name: 'read', arguments: { a: 1 } })
      expect(mended.finished).toMatchObject({ reason: 'tool-calls' })
    },
  )

  it('of an unknown tool is asked about, and goes through as the model said it: FINDINGS T2', async () => {
    const unknown = call('web_search', '{"q":"x"}')
    const outcome = await run([answer([`Hm.\n${unknown}`]), answer([unknown])])
    expect(outcome.answer).toEqual(['Hm.', { id: 'call_1', name: 'web_search', arguments: { q: 'x' } }])
    expect(outcome.asked[0]?.complaint).toContain(
      '"web_search" was not run, since there is no such tool. The tools are: read, write.',
    )
  })

  it('says in new words what it meant, and they are not lost', async () => {
    const text = `Now ${call('read', '{}')}`
    const outcome = await run([answer([text]), answer(['That was only ', 'a description.'])])
    expect(outcome.answer).toEqual([`${text}\n\nThat was only a description.`])
    expect((await run([answer([text]), answer(['NONE. I only told it.'])])).answer).toEqual([
      `${text}\n\nI only told it.`,
    ])
    expect((await run([answer([text]), answer(['None.'])])).answer).toEqual([text])
  })

  it('is text when the other ask fails, before or in its answer', async () => {
    const text = `Now ${call('read', '{}')}`
    const failure = new UpstreamError('reset')
    async function* broken(): AsyncGenerator<ChatEventBatch> {
      yield [{ type: 'text-delta', text: '<tool_call>{"name":"re' }]
      throw failure
    }
    for (const askAgain of [() => Promise.reject(failure), () => Promise.resolve(broken())]) {
      const events: ChatEvent[] = []
      for await (const batch of callTools(answer([text]), tools(), { ...options, askAgain }))
        events.push(...batch)
      expect(collect(events)).toMatchObject({ answer: [text], finished: { reason: 'stop' } })
      const forced = callTools(answer([text]), tools({ choice: { type: 'required' } }), {
        ...options,
        askAgain,
      })
      await expect(forced[Symbol.asyncIterator]().next()).resolves.toMatchObject({ done: false })
    }
    const missing = callTools(answer(['Words']), tools({ choice: { type: 'required' } }), {
      ...options,
      askAgain: () => Promise.reject(failure),
    })
    await expect(missing[Symbol.asyncIterator]().next()).rejects.toBe(failure)
  })

  it('is asked about behind a code fence that was never closed', async () => {
    const text = `\`\`\`sh\nls\n${call('read', '{}')}`
    for (const texts of [[text], [...text]]) {
      const mended = await run([answer(texts), answer([call('read', '{"a":1}')])])
      expect(mended.answer).toEqual(['```sh\nls', { id: 'call_1', name: 'read', arguments: { a: 1 } }])
      expect((await run([answer(texts), answer(['NONE'])])).answer).toEqual([text])
      expect((await run([answer([...texts, '\n```'])])).answer).toEqual([`${text}\n\`\`\``])
    }
  })

  it('is not asked about when it was cut short', async () => {
    const text = '<tool_call>{"name":"read","arg'
    async function* cut(): AsyncGenerator<ChatEventBatch> {
      yield [
        { type: 'text-delta', text },
        { type: 'finished', reason: 'length' },
      ]
    }
    expect(await run([cut()])).toEqual({
      answer: [text],
      finished: { type: 'finished', reason: 'length' },
      asked: [],
    })
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
    const outcome = await run([answer([`${unknown} or\n${call('read', '{}')}`])])
    expect(outcome.answer).toEqual([`${unknown} or`, { id: 'call_1', name: 'read', arguments: {} }])
  })

  it.each([
    ['an invented result', '\n<tool_result name="read">made up</tool_result>'],
    ['an invented response', '\n<tool_response>made up'],
    ['results of Claude', '<function_results>made up'],
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

  it('are asked for further when one of an unknown tool follows', async () => {
    const text = call('read', '{}') + call('delete', '{}')
    const outcome = await run([answer([text]), answer([call('write', '{}')])])
    expect(outcome.answer).toEqual([
      { id: 'call_1', name: 'read', arguments: {} },
      { id: 'call_2', name: 'write', arguments: {} },
    ])
    expect((await run([answer([text]), answer(['NONE'])])).answer).toEqual([outcome.answer[0]])
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
    expect(outcome.finished).toMatchObject({ reason: 'tool-calls' })
  })
})

describe('a call in a form of another kind', () => {
  const weather = tool('get_weather', {
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  })

  it.each([
    '<tool_call>get_weather({"city":"Paris"})</tool_call>',
    '<tool_call>\nget_weather(city="Paris")\n</tool_call>',
    '<tool_call><name>get_weather</name><arguments>{"city":"Paris"}</arguments></tool_call>',
    '<tool_call>\n<name>get_weather</name>\n<arguments>\n<city>Paris</city>\n</arguments>\n</tool_call>',
    '<tool_call>\n<tool_name>get_weather</tool_name>\n<parameters>{"city":"Paris"}</parameters>\n</tool_call>',
    '<tool_call>\n<get_weather>\n<city>Paris</city>\n</get_weather>\n</tool_call>',
    '<tool_call><get_weather><arguments>{"city":"Paris"}</arguments></get_weather></tool_call>',
    '<tool_call>get_weather\n<city>Paris</city>\n</tool_call>',
    '<function_calls><invoke name="get_weather"><city>Paris</city></invoke></function_calls>',
  ])('is one: FINDINGS T2, %j', async (text) => {
    for (const texts of [[text], [...text], text.match(/[\s\S]{1,7}/g) ?? []]) {
      const outcome = await run([answer(texts)], tools({ definitions: [weather] }))
      expect(outcome.answer).toEqual([{ id: 'call_1', name: 'get_weather', arguments: { city: 'Paris' } }])
    }
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

  it('FINDINGS T3: are mended where a quote has no escape, however late', async () => {
    const content = `${'x'.repeat(6000)}<p class="x">hi</p>${'y'.repeat(6000)}`
    const deltas = await deltasOf(
      answer(call('write', `{"content":"${content}","path":"a",}`).match(/[\s\S]{1,7}/g) ?? []),
    )
    expect(deltas.length).toBeGreaterThan(100)
    expect(JSON.parse(deltas.join(''))).toEqual({ content, path: 'a' })
  })

  it('keep their end until it is known what follows', async () => {
    const text = call('write', JSON.stringify(long))
    const sent: string[] = []
    const broken = (async () => {
      for await (const batch of callTools(
        answer([text.slice(0, 9000), text.slice(9000), '\nis only an example.']),
        tools(),
        options,
      ))
        for (const event of batch) if (event.type === 'tool-call-delta') sent.push(event.argumentsText)
    })()
    await expect(broken).rejects.toMatchObject({ kind: 'malformed' })
    expect(() => JSON.parse(sent.join(''))).toThrow(SyntaxError)
  })

  it.each([
    ['the answer ends first', `<tool_call>{"name":"write","arguments":{"a":"${'x'.repeat(5000)}`],
    ['they are no JSON', call('write', `{"a":"${'x'.repeat(5000)}","b":?}`)],
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
    // FINDINGS T8: text in front of a forced call is dropped.
    expect(outcome.answer).toEqual([{ id: 'call_1', name: 'read', arguments: {} }])
    expect(outcome.finished).toMatchObject({ reason: 'tool-calls' })
    expect(outcome.asked).toMatchObject([{ said: 'I would rather not.' }])
    expect(outcome.asked[0]?.complaint).toContain('no call of one of the tools')
  })

  it('is of the tool that is named', async () => {
    const other = call('read', '{}')
    const outcome = await run([answer([other]), answer([call('write', '{}')])], named)
    expect(outcome.answer).toEqual([{ id: 'call_1', name: 'write', arguments: {} }])
    expect(outcome.asked[0]?.complaint).toContain('The call of "read" was not run')
  })

  it('FINDINGS T8: has no text in front of it', async () => {
    const text = `I call it.\n${call('write', '{}')}`
    for (const choice of [named, required])
      expect((await run([answer([...text])], choice)).answer).toEqual([
        { id: 'call_1', name: 'write', arguments: {} },
      ])
  })

  it('may stand within a line or a fence', async () => {
    const text = `I call it: ${call('write', '{}')}`
    expect((await run([answer([text])], named)).answer).toEqual([
      { id: 'call_1', name: 'write', arguments: {} },
    ])
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
    const outcome = await run([answer(['Writing.\n', bad]), answer([call('write', '{"path":"a"}')])], strict)
    expect(outcome.answer).toEqual(['Writing.', good])
    expect(outcome.asked).toMatchObject([{ said: `Writing.\n${bad}` }])
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
