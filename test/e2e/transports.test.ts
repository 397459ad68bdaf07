import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { APIError } from 'openai'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { AskRecord } from '../emulator/ask-record.ts'
import { samplePng } from '../emulator/media/sample-files.ts'
import { trustSelfSigned } from '../support/self-signed.ts'
import { type Stack, type StackOptions, startStack } from '../support/stack.ts'

vi.setConfig({ testTimeout: 120_000 })
beforeAll(trustSelfSigned)

async function start(env: StackOptions['env'] = {}, options: Omit<StackOptions, 'env'> = {}): Promise<Stack> {
  const stack = await startStack({ env, emulator: { tls: true, challenge: 'clients' }, ...options })
  onTestFinished(() => stack.stop())
  return stack
}

async function chat({ openai }: Stack, content = 'Hello there'): Promise<string> {
  const stream = await openai.chat.completions.create({
    model: 'claude-sonnet-5',
    messages: [{ role: 'user', content }],
    stream: true,
  })
  let text = ''
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
  return text
}

const failing = (stack: Stack): Promise<APIError> =>
  chat(stack).then(
    () => {
      throw new Error('it was answered')
    },
    (error: APIError) => error,
  )

const browserOf = ({ ended, token, headers }: AskRecord) => [
  ended,
  token.verdict,
  headers['user-agent']?.includes('Chrome/'),
]

const challengesOf = ({ emulator }: Stack) =>
  emulator.requests.filter(({ path, challenged }) => challenged && path.endsWith('ask_proxy'))

describe('GENSPARK_TRANSPORT=auto, the default', () => {
  test('answers a challenge through the page, unseen, and asks it at once from then on (FINDINGS U1)', async () => {
    const stack = await start({}, { emulator: { tls: true, challenge: 'off' } })
    expect(await chat(stack)).toContain('Hello there')
    stack.emulator.challenge = 'clients'

    expect(await chat(stack, 'Again')).toContain('Again')
    expect(challengesOf(stack)).toHaveLength(1)
    expect(await chat(stack, 'Once more')).toContain('Once more')

    expect(challengesOf(stack)).toHaveLength(1)
    expect(stack.emulator.asks.map(browserOf)).toEqual([
      ['whole', 'accepted', false],
      ['whole', 'accepted', true],
      ['whole', 'accepted', true],
    ])
    const { values } = await stack.metrics.attempts.get()
    expect(values.map(({ labels, value }) => [labels.outcome, value])).toEqual([['ok', 3]])
    await stack.expectNothingLeft()
  })

  test('counts for every account of the egress, and is kept over restarts', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'genspark2api-test-'))
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
    const env = { GS_COOKIE: 'session_id=alice,session_id=bob', DATA_DIR: dataDir }
    const first = await startStack({ env, emulator: { tls: true, challenge: 'off' } })
    first.emulator.challenge = 'clients'
    await chat(first)
    await chat(first)
    expect(challengesOf(first).length).toBeLessThanOrEqual(1)
    await first.stop()

    const second = await start(env, { emulator: { tls: true, challenge: 'clients' } })
    await chat(second)
    // The lists are nobody's: they go directly while no page is open.
    const ofAccounts = second.emulator.requests.filter(({ sessionId }) => sessionId !== undefined)
    expect(ofAccounts.filter(({ challenged }) => challenged)).toEqual([])
  })

  test('is looked at again in the background after an hour, and asks directly where that passes', async () => {
    let nowMs = Date.now()
    const overrides = { clock: { now: () => nowMs } }
    const stack = await start({}, { overrides })
    await chat(stack)
    nowMs += 61 * 60_000
    stack.emulator.challenge = 'off'
    await chat(stack)
    await expect
      .poll(() => stack.logs.some(({ msg }) => String(msg).includes('asks directly again')))
      .toBe(true)
    await chat(stack)
    expect(stack.emulator.asks.map(browserOf).map(([, , isPage]) => isPage)).toEqual([true, true, false])
  })

  test.each(['site', 'redirect-elsewhere'] as const)(
    'makes pictures through the page too, and hands out 10 MB (place: %s)',
    async (place) => {
      // The other origin of the test is on this machine.
      const stack = await start({}, { overrides: { isPublic: () => true } })
      const bytes = Buffer.alloc(10 << 20, samplePng(1))
      stack.emulator.answerWith({ type: 'media', tasks: [{ bytes, ...(place !== 'site' && { place }) }] })
      const { data } = await stack.openai.images.generate({
        ...{ model: 'gpt-image-2', prompt: 'A cat' },
        response_format: 'url',
      })
      const file = await fetch(data?.[0]?.url ?? '')
      expect(file.status).toBe(200)
      expect(Buffer.from(await file.arrayBuffer()).equals(bytes)).toBe(true)
      await stack.expectNothingLeft()
    },
  )

  test('says what was tried where the page is refused as well', async () => {
    const stack = await start()
    await chat(stack)
    stack.emulator.challenge = 'all'
    const error = await failing(stack)
    expect(error).toMatchObject({ status: 502, code: 'upstream_challenge' })
    expect(error.message).toContain('neither this program nor the page in its Chromium')
  })

  test('is direct where no Chromium may run, and says so at once', async () => {
    const stack = await start(
      { RECAPTCHA_MODE: 'off' },
      { emulator: { challenge: 'clients', tokenCheck: 'off' } },
    )
    const error = await failing(stack)
    expect(error).toMatchObject({ status: 502, code: 'upstream_challenge' })
    expect(error.message).toContain('GENSPARK_TRANSPORT=browser')
    expect(challengesOf(stack)).toHaveLength(1)
  })
})

test('GENSPARK_TRANSPORT=browser asks through the page alone, in any RECAPTCHA_MODE', async () => {
  const stack = await start(
    { GENSPARK_TRANSPORT: 'browser', RECAPTCHA_MODE: 'off' },
    { emulator: { tls: true, challenge: 'clients', tokenCheck: 'off' } },
  )
  expect(await chat(stack)).toContain('Hello there')
  expect(challengesOf(stack)).toEqual([])
  expect(stack.emulator.asks[0]?.headers['user-agent']).toContain('Chrome/')
  await stack.expectNothingLeft()
})

test('GENSPARK_TRANSPORT=direct tells a challenge with what to do', async () => {
  const stack = await start({ GENSPARK_TRANSPORT: 'direct' })
  const error = await failing(stack)
  expect(error).toMatchObject({ status: 502, code: 'upstream_challenge' })
  expect(error.message).toContain('GENSPARK_TRANSPORT=auto')
  expect(challengesOf(stack)).toHaveLength(1)
})
