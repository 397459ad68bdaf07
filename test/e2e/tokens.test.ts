import { afterEach, describe, expect, it } from 'vitest'
import { type Stack, startStack } from '../support/stack.ts'

const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }

let stack: Stack
afterEach(async () => {
  await stack.expectNothingLeft()
  await stack.stop()
})

describe('tokens in a chat', () => {
  it('D5: answers 503 token_unavailable with the cause when the script is blocked', async () => {
    stack = await startStack()
    stack.emulator.recaptcha.behaviour.pageScript = 'blocked'
    await expect(stack.openai.chat.completions.create(body)).rejects.toMatchObject({
      status: 503,
      code: 'token_unavailable',
      type: 'service_unavailable_error',
    })
    expect(stack.emulator.asks.length).toBe(0)
  })

  it('D5: asks without a token and counts it when TOKEN_REQUIRED=false', async () => {
    stack = await startStack({ env: { TOKEN_REQUIRED: 'false' } })
    stack.emulator.recaptcha.behaviour.execute = 'empty'
    const completion = await stack.openai.chat.completions.create(body)
    expect(completion.choices[0]?.message.content).toContain('weaker model')
    expect((await stack.metrics.tokenlessAsks.get()).values[0]?.value).toBe(1)
  })

  it('never sends a token twice, nor one to another account', async () => {
    stack = await startStack({ env: { GS_COOKIE: 'session_id=alice,session_id=bob,session_id=carol' } })
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => stack.openai.chat.completions.create(body)),
    )
    for (const answer of answers) expect(answer.choices[0]?.message.content).toContain('token accepted')
    expect(stack.emulator.asks.every((ask) => ask.token.verdict === 'accepted')).toBe(true)
  })

  it('makes a new token, once, when the site refuses one', async () => {
    stack = await startStack()
    stack.emulator.answerWith((ask) =>
      ask.index === 0 ? { type: 'failure', failure: 'A4' } : { type: 'answer', text: 'with a new token' },
    )
    const completion = await stack.openai.chat.completions.create(body)
    expect(completion.choices[0]?.message.content).toBe('with a new token')
    expect(stack.emulator.asks.length).toBe(2)
  })
})
