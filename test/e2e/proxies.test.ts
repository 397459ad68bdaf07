import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startHttpProxy, startSocksProxy, type TestProxy } from '../support/proxies.ts'
import { type Stack, type StackOptions, startStack } from '../support/stack.ts'

const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }

/** No name server knows it: what does not go through a proxy goes nowhere. */
const siteUrl = 'http://site.test'

const target = { port: 0 }
const proxies: TestProxy[] = []
let stack: Stack

beforeEach(() => {
  proxies.length = 0
})

afterEach(async () => {
  await stack.expectNothingLeft()
  expect(JSON.stringify(stack.logs)).not.toMatch(/pass(?:\/|%2F)word/)
  await stack.stop()
  for (const proxy of proxies) await proxy.close()
})

async function started(starting: Promise<TestProxy>): Promise<TestProxy> {
  const proxy = await starting
  proxies.push(proxy)
  return proxy
}

async function start({ env, ...options }: StackOptions): Promise<void> {
  stack = await startStack({ env: { GENSPARK_BASE_URL: siteUrl, ...env }, ...options })
  target.port = Number(new URL(stack.emulator.url).port)
}

const withoutTokens = { env: { RECAPTCHA_MODE: 'off' }, emulator: { tokenCheck: 'off' } } as const

describe('PROXY_URL', () => {
  it('carries the browser and the API', async () => {
    const proxy = await started(startHttpProxy({ target }))
    await start({ env: { PROXY_URL: proxy.url } })
    const completion = await stack.openai.chat.completions.create(body)
    expect(completion.choices[0]?.message.content).toContain('token accepted')
    expect(proxy.asked).toContain('GET http://site.test/agents?type=ai_chat')
    expect(proxy.asked).toContain('CONNECT site.test:80')
  })

  it('may be a SOCKS proxy with a password where no browser needs it', async () => {
    const proxy = await started(startSocksProxy({ target }))
    await start({ ...withoutTokens, env: { ...withoutTokens.env, PROXY_URL: proxy.url } })
    await stack.openai.chat.completions.create(body)
    expect(new Set(proxy.asked)).toEqual(new Set(['SOCKS site.test:80']))
    expect(proxy.refusals).toEqual([])
  })

  it('is named to the client when it is dead, and nothing goes around it', async () => {
    const proxy = await startHttpProxy()
    await proxy.close()
    await start({
      ...withoutTokens,
      env: { ...withoutTokens.env, PROXY_URL: proxy.url, GENSPARK_BASE_URL: 'http://127.0.0.1:9' },
    })
    await expect(stack.openai.chat.completions.create(body)).rejects.toMatchObject({
      status: 503,
      code: 'upstream_unavailable',
      message: expect.stringMatching(/PROXY_URL.*ECONNREFUSED/),
    })
  })
})

describe('COOKIE@proxy-url', () => {
  it("carries an account's browser and API past PROXY_URL", async () => {
    const general = await started(startHttpProxy({ target }))
    const own = await started(startHttpProxy({ target }))
    await start({ env: { PROXY_URL: general.url, GS_COOKIE: `session_id=alice@${own.url}` } })
    const completion = await stack.openai.chat.completions.create(body)
    expect(completion.choices[0]?.message.content).toContain('token accepted')
    expect(own.asked).toContain('GET http://site.test/agents?type=ai_chat')
    expect(own.asked).toContain('CONNECT site.test:80')
    expect(general.asked.filter((line) => line.startsWith('GET http://site.test'))).toEqual([])
    expect(stack.emulator.asks[0]?.sessionId).toBe('alice')
  })

  it('fails over to another account when that proxy is dead', async () => {
    const own = await startHttpProxy()
    await own.close()
    const general = await started(startHttpProxy({ target }))
    await start({
      ...withoutTokens,
      env: {
        ...withoutTokens.env,
        PROXY_URL: general.url,
        GS_COOKIE: `session_id=alice@${own.url},session_id=bob`,
        ACCOUNT_SELECTION: 'round-robin',
      },
    })
    for (const _round of [1, 2]) await stack.openai.chat.completions.create(body)
    expect(stack.emulator.asks.map(({ sessionId }) => sessionId)).toEqual(['bob', 'bob'])
  })
})
