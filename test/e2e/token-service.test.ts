import { afterEach, describe, expect, it } from 'vitest'
import { startVerifier, type Verifier } from '../emulator/verifier.ts'
import { type Stack, startStack } from '../support/stack.ts'

const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function started(options: Parameters<typeof startStack>[0]): Promise<Stack> {
  const stack = await startStack(options)
  closers.push(stack.stop)
  return stack
}

/** A service of gen 1 that asks a verifier, whose tokens its own emulator knows. */
async function startWithVerifier(): Promise<{ stack: Stack; verifier: Verifier }> {
  const mint = {
    mint: (use: Parameters<Stack['emulator']['recaptcha']['mint']>[0]) => stack.emulator.recaptcha.mint(use),
  }
  const verifier = await startVerifier(mint)
  closers.push(verifier.close)
  const stack = await started({ env: { RECAPTCHA_PROXY_URL: verifier.url, GENSPARK_PROTOCOL: 'copilot' } })
  return { stack, verifier }
}

describe('RECAPTCHA_PROXY_URL', () => {
  it('is asked for the token of each ask with the cookie of its account, and no browser is launched', async () => {
    const { stack, verifier } = await startWithVerifier()
    for (const _round of [1, 2]) {
      const completion = await stack.openai.chat.completions.create(body)
      expect(completion.choices[0]?.message.content).toContain('token accepted')
    }
    expect(verifier.cookies).toEqual(['session_id=alice', 'session_id=alice'])
    expect(verifier.violations).toEqual([])
    expect((await stack.metrics.browserLaunches.get()).values).toEqual([])
    await stack.expectNothingLeft()
  })

  it('is answered 503 token_unavailable with its own words when it fails', async () => {
    const { stack, verifier } = await startWithVerifier()
    verifier.behaviour.answer = 'code-500'
    await expect(stack.openai.chat.completions.create(body)).rejects.toMatchObject({
      status: 503,
      code: 'token_unavailable',
      message: expect.stringContaining('no token could be made'),
    })
    await stack.expectNothingLeft()
  })
})

describe('VERIFIER_ENDPOINT', () => {
  it('serves another service of ours as its RECAPTCHA_PROXY_URL', async () => {
    const maker = await started({
      env: { VERIFIER_ENDPOINT: '1', API_SECRET: 'sk-maker', GENSPARK_PROTOCOL: 'copilot' },
    })
    const asker = await started({
      env: {
        RECAPTCHA_PROXY_URL: maker.url,
        GENSPARK_PROTOCOL: 'copilot',
        GENSPARK_BASE_URL: maker.emulator.url,
      },
    })
    const completion = await asker.openai.chat.completions.create(body)
    expect(completion.choices[0]?.message.content).toContain('token accepted')
    expect(maker.emulator.asks[0]?.token.verdict).toBe('accepted')
  })
})
