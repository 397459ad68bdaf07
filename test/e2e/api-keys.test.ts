import { afterEach, describe, expect, it } from 'vitest'
import { readyz, type Stack, startStack } from '../support/stack.ts'

const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }
const key = 'gsk-canary-1'

let stack: Stack

afterEach(async () => {
  await stack.expectNothingLeft()
  expect(JSON.stringify(stack.logs)).not.toContain('canary')
  await stack.stop()
})

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  stack = await startStack({
    env: { GENSPARK_API_KEY: key, RECAPTCHA_MODE: 'off', ...env },
    emulator: { tokenCheck: 'off' },
  })
}

const ask = async (): Promise<string> =>
  (await stack.openai.chat.completions.create(body)).choices[0]?.message.content ?? ''

describe('GENSPARK_API_KEY', () => {
  it('is asked before the cookies, and needs neither cookie nor token', async () => {
    await start({ RECAPTCHA_MODE: 'embedded', GS_COOKIE: '' })
    expect(await ask()).toContain('by API key')
    expect(stack.emulator.vendor.asks[0]).toMatchObject({ route: 'openai', apiKey: key })
    expect((await stack.metrics.browserLaunches.get()).values).toEqual([])
  })

  it('streams', async () => {
    await start()
    let text = ''
    for await (const chunk of await stack.openai.chat.completions.create({ ...body, stream: true }))
      text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toContain('by API key')
  })

  it('streams what a Claude model thinks, then what it says', async () => {
    await start()
    stack.emulator.vendor.script = { type: 'answer', thinking: ['Let me ', 'think.'], chunks: ['Do', 'ne.'] }
    const order: string[] = []
    const stream = await stack.openai.chat.completions.create({
      ...body,
      model: 'claude-sonnet-5',
      stream: true,
    })
    for await (const chunk of stream) {
      const delta = (chunk.choices[0]?.delta ?? {}) as { content?: string; reasoning_content?: string }
      if (delta.reasoning_content) order.push(`thought:${delta.reasoning_content}`)
      if (delta.content) order.push(delta.content)
    }
    expect(order.join('|')).toBe('thought:Let me |thought:think.|Do|ne.')
    expect(stack.emulator.vendor.asks).toEqual([
      expect.objectContaining({ route: 'anthropic', apiKey: key, model: 'claude-sonnet-5' }),
    ])
  })

  it('asks a Claude model in the other style when the Anthropic route is gone', async () => {
    await start()
    stack.emulator.vendor.script = ({ route }) =>
      route === 'anthropic' ? { type: 'fault', status: 404 } : { type: 'answer' }
    const model = 'claude-sonnet-5'
    const { choices } = await stack.openai.chat.completions.create({ ...body, model })
    expect(choices[0]?.message.content).toContain('by API key')
    expect(stack.emulator.vendor.asks.map(({ route }) => route)).toEqual(['anthropic', 'openai'])
  })

  it('fails over to the cookies when its credits are gone, and rests', async () => {
    await start()
    stack.emulator.vendor.spentKeys.add(key)
    for (const _round of [1, 2]) expect(await ask()).not.toContain('by API key')
    expect(stack.emulator.vendor.asks).toHaveLength(1)
    expect((await readyz(stack.url)).accounts.cooling).toEqual([
      expect.objectContaining({ kind: 'quota-spent' }),
    ])
  })

  it('fails over to the cookies when it is refused, and is shown as signed out', async () => {
    await start()
    stack.emulator.vendor.badKeys.add(key)
    expect(await ask()).not.toContain('by API key')
    expect((await readyz(stack.url)).accounts.signed_out).toHaveLength(1)
  })

  it('makes images', async () => {
    await start()
    const { data } = await stack.openai.images.generate({
      model: 'nano-banana-2',
      prompt: 'a red fox',
      n: 2,
      response_format: 'url',
    })
    expect(data).toHaveLength(2)
    expect(stack.emulator.vendor.asks.map(({ tool }) => tool)).toEqual([
      'image_generation',
      'image_generation',
    ])
  })

  it('leaves images to the cookies when its credits are gone', async () => {
    await start()
    stack.emulator.vendor.spentKeys.add(key)
    const { data } = await stack.openai.images.generate({ model: 'nano-banana-2', prompt: 'a red fox' })
    expect(data).toHaveLength(1)
    expect(stack.emulator.vendor.asks).toHaveLength(1)
    expect(stack.emulator.asks).toHaveLength(1)
  })

  it.each([
    ['free_plan_block', false],
    ['free_plan_block', true],
    ['credit_exhausted', false],
    ['credit_exhausted', true],
  ] as const)(
    'FINDINGS K2 shows nothing of the wall %s (as JSON: %s): a cookie answers',
    async (code, asJson) => {
      await start()
      stack.emulator.vendor.walls.set(key, { code, asJson })
      for (const model of ['gpt-5.4', 'claude-sonnet-5']) {
        const { choices } = await stack.openai.chat.completions.create({ ...body, model })
        expect(choices[0]?.message.content).not.toMatch(/credits|by API key/)
      }
      expect(stack.emulator.vendor.asks).toHaveLength(1)
      const { accounts } = await readyz(stack.url)
      if (code === 'credit_exhausted')
        expect(accounts.cooling).toEqual([expect.objectContaining({ kind: 'quota-spent' })])
      else expect(accounts).toMatchObject({ signed_out: [], plan_blocked: [expect.anything()] })
      expect(JSON.stringify(stack.logs)).not.toContain('credits can')
    },
  )

  it('FINDINGS K2 tells what is wrong with a key that is alone', async () => {
    await start({ GS_COOKIE: '' })
    stack.emulator.vendor.walls.set(key, { code: 'free_plan_block' })
    const error = await stack.openai.chat.completions.create(body).catch((thrown) => thrown)
    expect(error).toMatchObject({ status: 503, code: 'no_account_available' })
    expect(error.message).toContain('has no API')
    expect(error.headers.get('x-should-retry')).toBe('false')
  })

  it('FINDINGS K2 rests a spent key for an hour when it is alone, and says so', async () => {
    await start({ GS_COOKIE: '' })
    stack.emulator.vendor.walls.set(key, { code: 'credit_exhausted' })
    const error = await stack.openai.chat.completions.create(body).catch((thrown) => thrown)
    expect(error).toMatchObject({ status: 429, code: 'all_accounts_cooling' })
    const [cooling] = (await readyz(stack.url)).accounts.cooling as readonly { until: string }[]
    const restMs = Date.parse(cooling?.until ?? '') - Date.now()
    expect(restMs).toBeGreaterThan(3_000_000)
    expect(restMs).toBeLessThanOrEqual(3_600_000)
  })

  it('FINDINGS K2 leaves pictures to the cookies when a tool meets the wall', async () => {
    await start()
    stack.emulator.vendor.walls.set(key, { code: 'free_plan_block' })
    const { data } = await stack.openai.images.generate({ model: 'nano-banana-2', prompt: 'a red fox' })
    expect(data).toHaveLength(1)
    expect(stack.emulator.vendor.asks).toHaveLength(1)
  })

  it('FINDINGS K2 uses a key again once a check finds that its plan may chat', async () => {
    await start({ ADMIN_SECRET: 'operator-secret-of-tests' })
    stack.emulator.vendor.walls.set(key, { code: 'free_plan_block' })
    await ask()
    const admin = async (method: string, path: string) => {
      const headers = { authorization: 'Bearer operator-secret-of-tests' }
      const response = await fetch(`${stack.url}/admin/accounts${path}`, { method, headers })
      return await response.json()
    }
    const { data } = await admin('GET', '')
    const found = data.find(({ type }: { type: string }) => type === 'api-key')
    expect(found).toMatchObject({ state: 'plan-blocked', signed_out_since: null })
    expect(await admin('POST', `/${found.id}/check`)).toMatchObject({ state: 'plan-blocked' })
    stack.emulator.vendor.walls.clear()
    expect(await admin('POST', `/${found.id}/check`)).toMatchObject({ state: 'usable' })
    expect(await ask()).toContain('by API key')
  })

  it.each([
    ['flux-2-pro', 'fal-ai/flux-2-pro'],
    ['z-image-turbo', 'fal-ai/z-image/turbo'],
    ['seedream-v5-lite', 'fal-ai/bytedance/seedream/v5/lite'],
    ['dall-e-3', 'gpt-image-2'],
  ])('FINDINGS K3 asks for %s by the id, ratio and fields of the contract', async (model, id) => {
    await start({ GS_COOKIE: '' })
    await stack.openai.images.generate({
      model,
      prompt: 'a fox',
      size: '1792x1024',
      quality: 'hd',
      style: 'vivid',
    })
    expect(stack.emulator.vendor.asks.map(({ body }) => body)).toEqual([
      expect.objectContaining({ query: 'a fox', model: id, aspect_ratio: '16:9' }),
    ])
  })

  it('FINDINGS K3 leaves a model that keys do not have to a cookie, and refuses it without one', async () => {
    await start()
    await stack.openai.images.generate({ model: 'recraft-v3', prompt: 'a fox' })
    expect(stack.emulator.vendor.asks).toEqual([])
    expect(stack.emulator.asks).toHaveLength(1)
    await stack.stop()
    await start({ GS_COOKIE: '' })
    const error = await stack.openai.images
      .generate({ model: 'recraft-v3', prompt: 'a fox' })
      .catch((thrown) => thrown)
    expect(error).toMatchObject({ status: 404, code: 'model_not_found' })
  })

  it('FINDINGS K4 serves a file that opens to nobody before it is exchanged', async () => {
    await start({ GS_COOKIE: '' })
    stack.emulator.vendor.script = { type: 'tool', place: 'cookie' }
    const { data } = await stack.openai.images.generate({
      model: 'nano-banana-2',
      prompt: 'a fox',
      response_format: 'b64_json',
    })
    expect(Buffer.from(data?.[0]?.b64_json ?? '', 'base64').byteLength).toBeGreaterThan(10)
    expect(stack.emulator.requests.map(({ path }) => path)).toContain('/api/tool_cli/file/download')
  })
})
