import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Stack, startStack } from '../support/stack.ts'

const hello = [{ role: 'user' as const, content: 'Hello there' }]

describe.each(['copilot', 'agent', 'auto'] as const)('chat over GENSPARK_PROTOCOL=%s', (protocol) => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack({ env: { GENSPARK_PROTOCOL: protocol } })
  })
  afterEach(async () => {
    stack.emulator.answerWith(undefined)
    await stack.expectNothingLeft()
  })
  afterAll(() => stack.stop())

  it('answers from the model asked for, since the token of a real page was accepted', async () => {
    const completion = await stack.openai.chat.completions.create({
      model: 'claude-sonnet-5',
      messages: hello,
    })
    const [choice] = completion.choices
    expect(choice?.message.content).toMatch(/model claude-sonnet-5 \| token accepted: action \w+, \d+ ms old/)
    expect(choice?.message.content).toContain('you said: Hello there')
    expect(choice?.finish_reason).toBe('stop')
    expect(completion.model).toBe('claude-sonnet-5')
    expect(completion.usage?.prompt_tokens).toBe(2)
    expect(completion.usage?.completion_tokens).toBeGreaterThan(10)
    expect(completion.usage?.total_tokens).toBe(
      (completion.usage?.prompt_tokens ?? 0) + (completion.usage?.completion_tokens ?? 0),
    )
    const ask = stack.emulator.asks.at(-1)
    expect(ask?.generation).toBe(protocol === 'copilot' ? 'copilot' : 'agent')
    expect(ask?.token.verdict).toBe('accepted')
  })

  it('asks for the variant of the effort where the site has one (FINDINGS C15)', async () => {
    const ask = { model: 'gpt-5.1', messages: hello, reasoning_effort: 'low' } as const
    expect((await stack.openai.chat.completions.create(ask)).model).toBe('gpt-5.1')
    expect(stack.emulator.asks.at(-1)?.model).toBe('gpt-5.1-low')
  })

  it('streams role, text, finish and usage in order, with one id and one time', async () => {
    stack.emulator.answerWith({ type: 'answer', chunks: ['Stream', 'ing ', 'wörks 🚀'] })
    const stream = await stack.openai.chat.completions.create({
      model: 'gpt-5.4',
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    const deltas = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta))
    expect(deltas[0]?.role).toBe('assistant')
    expect(deltas.map((delta) => delta.content ?? '').join('')).toBe('Streaming wörks 🚀')
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)?.choices).toEqual([])
    expect(chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThan(2)
    expect(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.model}`)).size).toBe(1)
  })

  it('sends the whole history upstream, system text included', async () => {
    await stack.openai.chat.completions.create({
      model: 'gpt-5.4',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'First question' },
        { role: 'assistant', content: 'First answer' },
        { role: 'user', content: 'Second question' },
      ],
    })
    const sent = stack.emulator.asks.at(-1)?.messages.map(({ role, content }) => [role, content])
    expect(sent).toEqual([
      ['system', 'Be brief.'],
      ['user', 'First question'],
      ['assistant', 'First answer'],
      ['user', 'Second question'],
    ])
  })

  it('closes the upstream request when the client aborts its stream', async () => {
    stack.emulator.answerWith({ type: 'answer', chunks: endless('word '), chunkDelayMs: 5 })
    const stream = await stack.openai.chat.completions.create({
      model: 'gpt-5.4',
      messages: hello,
      stream: true,
    })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    await stack.emulator.until(() => stack.emulator.asks.at(-1)?.ended === 'client-closed')
  })

  it('asks for a search when the model name ends in -search', async () => {
    const completion = await stack.openai.chat.completions.create({
      model: 'gpt-5.4-search',
      messages: hello,
    })
    expect(completion.choices[0]?.message.content).toContain('you said: Hello there')
    expect(stack.emulator.asks.at(-1)).toMatchObject({ search: true, model: 'gpt-5.4' })
  })

  it('asks an unknown model as a mixture of three', async () => {
    const completion = await stack.openai.chat.completions.create({ model: 'no-such-model', messages: hello })
    expect(completion.choices[0]?.message.content).toContain('you said: Hello there')
    expect(stack.emulator.asks.at(-1)?.models).toHaveLength(3)
  })
})

describe('thinking', () => {
  it('comes as reasoning_content before the answer, streaming and not', async () => {
    const stack = await startStack({ env: { GENSPARK_PROTOCOL: 'copilot' } })
    try {
      stack.emulator.answerWith({ type: 'answer', thinking: ['Let me ', 'think.'], chunks: ['Done', '.'] })
      const body = { model: 'deep-seek-r1', messages: hello }
      const { message } = (await stack.openai.chat.completions.create(body)).choices[0] ?? {}
      expect(message).toMatchObject({ content: 'Done.', reasoning_content: 'Let me think.' })
      const order: string[] = []
      for await (const chunk of await stack.openai.chat.completions.create({ ...body, stream: true })) {
        const delta = (chunk.choices[0]?.delta ?? {}) as { content?: string; reasoning_content?: string }
        if (delta.reasoning_content) order.push(`thought:${delta.reasoning_content}`)
        if (delta.content) order.push(`text:${delta.content}`)
      }
      expect(order.join('|')).toBe('thought:Let me |thought:think.|text:Done|text:.')
    } finally {
      await stack.stop()
    }
  })
})

describe('a wire generation that is gone', () => {
  it.each([
    ['agent', 'copilot'],
    ['copilot', 'agent'],
  ] as const)('auto answers over the other one when %s is gone, and remembers', async (gone, other) => {
    const stack = await startStack({ emulator: { routes: { [gone]: false } } })
    try {
      for (let round = 0; round < 2; round += 1) {
        const completion = await stack.openai.chat.completions.create({ model: 'gpt-5.4', messages: hello })
        expect(completion.choices[0]?.message.content).toMatch(/model gpt-5.4 \| token accepted/)
      }
      expect(stack.emulator.asks.map((ask) => ask.generation)).toEqual([other, other])
      const refused = stack.emulator.requests.filter((request) => request.path.includes('/ask'))
      expect(refused.length).toBe(gone === 'agent' ? 1 : 0)
      await stack.expectNothingLeft()
    } finally {
      await stack.stop()
    }
  })

  it('is named in the error when a fixed protocol asks it', async () => {
    const stack = await startStack({
      env: { GENSPARK_PROTOCOL: 'copilot' },
      emulator: { routes: { copilot: false } },
    })
    try {
      const request = stack.openai.chat.completions.create({ model: 'gpt-5.4', messages: hello })
      await expect(request).rejects.toMatchObject({
        status: 503,
        code: 'upstream_unavailable',
        message: expect.stringContaining('GENSPARK_PROTOCOL'),
      })
    } finally {
      await stack.stop()
    }
  })
})

describe('models', () => {
  it('are listed and found by the official client', async () => {
    const stack = await startStack({ env: { RECAPTCHA_MODE: 'off' }, emulator: { tokenCheck: 'off' } })
    try {
      const ids: string[] = []
      for await (const model of stack.openai.models.list()) ids.push(model.id)
      expect(ids).toContain('claude-sonnet-5')
      expect(new Set(ids).size).toBe(ids.length)
      const model = await stack.openai.models.retrieve('claude-sonnet-5')
      expect(model).toMatchObject({ id: 'claude-sonnet-5', object: 'model', created: expect.any(Number) })
      await expect(stack.openai.models.retrieve('no-such-model')).rejects.toMatchObject({
        status: 404,
        code: 'model_not_found',
      })
    } finally {
      await stack.stop()
    }
  })
})

function* endless(text: string): Generator<string> {
  for (;;) yield text
}
