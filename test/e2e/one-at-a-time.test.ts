import { afterEach, describe, expect, it } from 'vitest'
import { repeated } from '../emulator/scenario.ts'
import { type Stack, startStack } from '../support/stack.ts'

const oneAccount = { RECAPTCHA_MODE: 'off', ACCOUNT_MAX_CONCURRENCY: '1', QUEUE_WAIT_S: '60' }
const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }

let stack: Stack
afterEach(async () => {
  await stack.expectNothingLeft()
  await stack.stop()
})

describe.each(['copilot', 'agent'])('with ACCOUNT_MAX_CONCURRENCY=1 over %s', (protocol) => {
  /** How many asks the site had open for the account when another one came, itself included. */
  async function mostAtOnce(ask: (index: number) => Promise<unknown>): Promise<number> {
    stack = await startStack({ env: { ...oneAccount, GENSPARK_PROTOCOL: protocol } })
    let most = 0
    stack.emulator.answerWith(() => {
      most = Math.max(most, stack.emulator.openAsks())
      return { type: 'answer', chunks: repeated('word ', 2_000) }
    })
    await Promise.all(Array.from({ length: 20 }, (_, index) => ask(index)))
    expect(stack.emulator.asks.length).toBe(20)
    return most
  }

  it.each([
    ['a stop sequence', { stop: ['d wo'] }],
    ['max_tokens', { max_tokens: 3 }],
  ])('FINDINGS A4: the account is free only once an ask that %s ended is closed', async (_, extra) => {
    const most = await mostAtOnce(async (index) => {
      if (index % 2 === 0) return stack.openai.chat.completions.create({ ...body, ...extra })
      const stream = await stack.openai.chat.completions.create({ ...body, ...extra, stream: true })
      for await (const _chunk of stream);
    })
    expect(most).toBe(1)
  })

  it('FINDINGS A4: the account is free only once the ask of a client that left is closed', async () => {
    const most = await mostAtOnce(async () => {
      const client = new AbortController()
      const response = await fetch(`${stack.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...body, stream: true }),
        signal: client.signal,
      })
      await response.body?.getReader().read()
      client.abort()
    })
    expect(most).toBe(1)
  })
})

describe('several choices of one request', () => {
  it.each([true, false])(
    'FINDINGS S7: do not wait for one another where one account has to give them all (stream: %s)',
    async (stream) => {
      // Nobody may wait: a choice that stood in the line behind its sibling would be turned away.
      stack = await startStack({ env: { ...oneAccount, QUEUE_MAX: '0' } })
      let most = 0
      stack.emulator.answerWith(() => {
        most = Math.max(most, stack.emulator.openAsks())
        return { type: 'answer', text: `answer ${stack.emulator.asks.length}` }
      })
      const texts = ['', '', '']
      if (stream) {
        const chunks = await stack.openai.chat.completions.create({ ...body, n: 3, stream: true })
        for await (const { choices } of chunks)
          for (const { index, delta } of choices) texts[index] += delta.content ?? ''
      } else {
        const completion = await stack.openai.chat.completions.create({ ...body, n: 3 })
        for (const { index, message } of completion.choices) texts[index] = message.content ?? ''
      }
      expect(new Set(texts).size).toBe(3)
      for (const text of texts) expect(text).toMatch(/^answer \d$/)
      expect(most).toBe(1)
    },
  )

  it('FINDINGS S7: are refused like any request where others have the account', async () => {
    stack = await startStack({ env: { ...oneAccount, QUEUE_MAX: '0' } })
    stack.emulator.answerWith({ type: 'answer', chunks: repeated('word ', Infinity), chunkDelayMs: 5 })
    const other = await stack.openai.chat.completions.create({ ...body, stream: true })
    const refused = stack.openai.chat.completions.create({ ...body, n: 2 })
    await expect(refused).rejects.toMatchObject({ status: 503, code: 'queue_full' })
    other.controller.abort()
  })
})
