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
})
