import { expect, it, onTestFinished } from 'vitest'
import { startStack } from '../support/stack.ts'

/** Secrets of every kind, each with a word of its own. */
const secrets = {
  API_SECRET: 'sk-canary-client',
  ADMIN_SECRET: 'sk-canary-admin',
  GS_COOKIE: 'session_id=canary-cookie',
  GENSPARK_API_KEY: 'gsk_canary-vendor',
  PROXY_URL: 'http://user:canary-proxy@127.0.0.1:9',
  STATE_KEY: 'ca'.repeat(32),
}
const words = /canary-(client|admin|cookie|vendor|proxy|added|wrong|prompt)|(ca){32}/

it.each([
  ['through a proxy that is away', secrets],
  ['on good and bad answers', { ...secrets, PROXY_URL: '' }],
])(
  'no secret shows in a log line, an error, a metric, an admin or readiness answer: %s',
  async (_, env) => {
    const stack = await startStack({ env: { RECAPTCHA_MODE: 'off', GENSPARK_PROTOCOL: 'agent', ...env } })
    onTestFinished(() => stack.stop())
    const seen: string[] = []
    const ask = async (path: string, key: string, body?: object, method = body ? 'POST' : 'GET') => {
      const headers = {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        cookie: 'a=canary-wrong',
      }
      const response = await fetch(stack.url + path, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
      })
      seen.push(JSON.stringify([...response.headers]), await response.text())
    }
    const hello = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 }
    const added = { cookie: 'session_id=canary-added@http://u:canary-proxy@127.0.0.1:9' }

    for (const key of [secrets.API_SECRET, secrets.ADMIN_SECRET, 'sk-canary-wrong']) {
      await ask('/admin/accounts', key, added)
      await ask('/admin/accounts', key, { cookie: ['session_id=canary-added'] })
      await ask('/admin/accounts', key)
      for (const model of ['gpt-5.4', 'claude-sonnet-5']) {
        await ask('/v1/chat/completions', key, { model, ...hello })
        await ask('/v1/messages', key, { model, ...hello })
      }
      await ask('/v1/responses', key, { model: 'gpt-5.4', input: 'Hi' })
      await ask('/v1/images/generations', key, { model: 'sora-2', prompt: 'Hi' })
      for (const path of ['/metrics', '/readyz', '/admin/usage', '/v1/models', '/v1/nothing'])
        await ask(path, key)
    }
    expect(seen.length).toBeGreaterThan(60)
    expect(seen.filter((text) => words.test(text))).toEqual([])
    expect(stack.logs.map((line) => JSON.stringify(line)).filter((line) => words.test(line))).toEqual([])
    expect(await stack.metrics.registry.metrics()).not.toMatch(words)
  },
  90_000,
)
