import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack

beforeEach(async () => {
  stack = await startStack({
    env: { GENSPARK_API_KEY: 'gsk-canary-1', RECAPTCHA_MODE: 'off', GS_COOKIE: '' },
    emulator: { tokenCheck: 'off' },
  })
  await expect
    .poll(async () => (await models()).some(({ max_output_tokens: max }) => max !== undefined))
    .toBe(true)
})

afterEach(async () => {
  expect(JSON.stringify(stack.logs)).not.toContain('canary')
  await stack.expectNothingLeft()
  await stack.stop()
})

async function models() {
  const response = await fetch(`${stack.url}/v1/models`)
  return ((await response.json()) as { data: Record<string, unknown>[] }).data
}

async function chat(model: string, fields: object = {}) {
  const response = await fetch(`${stack.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], ...fields }),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as { error?: object },
  }
}

const asked = () => stack.emulator.vendor.asks.map(({ model, apiKey }) => [model, apiKey])

it('FINDINGS K8 lists the models of the key with what its catalogue tells', async () => {
  const list = await models()
  const find = (id: string) => list.find((model) => model.id === id)
  expect(find('gpt-6-astra')).toMatchObject({
    context_length: 1_000_000,
    max_output_tokens: 128_000,
    reasoning_efforts: ['low', 'medium', 'high', 'xhigh', 'max'],
    vision: true,
    cost: { input: 1, output: 4 },
    owned_by: 'openai',
  })
  expect(find('claude-fable-5')).toMatchObject({ owned_by: 'anthropic' })
  expect(find('deepseek-v4-pro-0813')).toMatchObject({ architecture: { input_modalities: ['text', 'file'] } })
  // No cookie: nothing is listed that no account can be asked for.
  expect(find('mixture-of-agents')).toBeUndefined()
  expect(find('gpt-image-2')).toBeDefined()
})

it('FINDINGS K8 asks for models under the ids of the key', async () => {
  for (const model of ['gpt-6-astra', 'claude-fable-5', 'claude-haiku-4-5', 'claude-4-5-haiku']) {
    const { status, headers } = await chat(model)
    expect([model, status, headers.get('warning')]).toEqual([model, 200, null])
  }
  expect(asked().map(([model]) => model)).toEqual([
    'gpt-6-astra',
    'claude-fable-5',
    'claude-haiku-4-5',
    'claude-haiku-4-5',
  ])
})

it.each([
  ['a name without family', 'no-such-thing', {}, 404, 'model_not_found'],
  ['a model that the key has not', 'gpt-5', {}, 404, 'model_not_found'],
  ['a web search', 'gpt-5.4-search', {}, 400, 'invalid_value'],
  ['speech', 'tts-1', {}, 404, 'model_not_found'],
])(
  'FINDINGS K8 refuses %s, and says that asking again is of no use',
  async (_, model, fields, status, code) => {
    const answer = await chat(model, fields)
    expect(answer).toMatchObject({ status, body: { error: { code, param: 'model' } } })
    expect(answer.headers.get('x-should-retry')).toBe('false')
    expect(asked()).toEqual([])
  },
)

it('FINDINGS K8 asks of several keys one that is served the model, and a cookie where none is', async () => {
  await stack.stop()
  stack = await startStack({
    env: { RECAPTCHA_MODE: 'off', TOKEN_REQUIRED: 'false', ADMIN_SECRET: secret },
    emulator: { tokenCheck: 'off' },
  })
  const { vendor } = stack.emulator
  for (const [apiKey, id] of [
    ['gsk-canary-small', 'gpt-5.4'],
    ['gsk-canary-other', 'claude-fable-5'],
  ] as const) {
    vendor.models.set(apiKey, [{ id, context: 400, output: 128 }])
    const response = await fetch(`${stack.url}/admin/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      body: JSON.stringify({ api_key: apiKey }),
    })
    expect(response.status).toBe(201)
  }
  await expect.poll(async () => (await models()).filter(({ max_output_tokens: max }) => max).length).toBe(2)
  for (const model of ['claude-fable-5', 'gpt-5.4', 'claude-fable-5', 'gpt-5.4', 'gpt-5.2'])
    expect([model, (await chat(model)).status]).toEqual([model, 200])
  expect(asked()).toEqual([
    ['claude-fable-5', 'gsk-canary-other'],
    ['gpt-5.4', 'gsk-canary-small'],
    ['claude-fable-5', 'gsk-canary-other'],
    ['gpt-5.4', 'gsk-canary-small'],
  ])
  expect(stack.emulator.asks.map(({ models: ids }) => ids)).toEqual([['gpt-5.2']])
  // What each key has left is asked behind the list of accounts, and shown there.
  const credits = async () => {
    const headers = { authorization: `Bearer ${secret}` }
    const response = await fetch(`${stack.url}/admin/accounts`, { headers })
    const { data } = (await response.json()) as { data: { type: string; credits?: { remaining: number } }[] }
    return data.filter(({ type }) => type === 'api-key').map((account) => account.credits?.remaining)
  }
  await expect.poll(credits, { timeout: 20_000 }).toEqual([1270.85, 1270.85])
})

const secret = 'operator-secret-of-tests'
