import { expect, onTestFinished, test, vi } from 'vitest'
import { startOwnBrowser } from '../support/own-browser.ts'
import { startStack } from '../support/stack.ts'

vi.setConfig({ testTimeout: 120_000 })

const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }

async function start(
  env: Readonly<Record<string, string>>,
  tokenCheck?: 'off',
  challenge: 'clients' | 'off' = 'clients',
) {
  const own = await startOwnBrowser()
  const stack = await startStack({
    env: { BROWSER_ENDPOINT: own.url, ...env },
    emulator: { challenge, ...(tokenCheck && { tokenCheck }) },
  })
  onTestFinished(() => stack.stop())
  return { own, stack }
}

const text = async ({ openai }: Awaited<ReturnType<typeof start>>['stack']) =>
  (await openai.chat.completions.create(body)).choices[0]?.message.content

test('a browser of the operator mints and carries the asks that the site challenges, 50 of them', async () => {
  const { stack } = await start({})
  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all(Array.from({ length: 5 }, () => text(stack)))
    for (const answer of answers) expect(answer).toContain('token accepted')
  }
  await stack.expectNothingLeft()
})

test('a browser that shows pictures fetches none for the page that mints', async () => {
  const { stack } = await start({ GENSPARK_TRANSPORT: 'direct' }, undefined, 'off')
  expect(await text(stack)).toContain('token accepted')
  const fetched = stack.emulator.recaptcha.requests.map(({ path }) => path)
  expect(fetched).toContain('/recaptcha/assets/site.css')
  expect(fetched.filter((path) => /\.(?:png|mp4|woff2)$/.test(path))).toEqual([])
})

test('nor for the page that asks', async () => {
  const { stack } = await start({ GENSPARK_TRANSPORT: 'browser', RECAPTCHA_MODE: 'off' }, 'off')
  expect(await text(stack)).toBeTruthy()
  const fetched = () => stack.emulator.recaptcha.requests.map(({ path }) => path)
  // The last thing that the page loads.
  await expect.poll(fetched).toContain('/recaptcha/assets/site.css')
  for (let count = 0; count < 5; count += 1) expect(await text(stack)).toBeTruthy()
  expect(fetched().filter((path) => /\.(?:png|mp4|woff2)$/.test(path))).toEqual([])
})

test('RECAPTCHA_MODE=off launches no Chromium: auto asks through the browser of BROWSER_ENDPOINT all the same', async () => {
  const { stack } = await start({ RECAPTCHA_MODE: 'off' }, 'off')
  expect(await text(stack)).toBeTruthy()
  expect(stack.emulator.asks.at(-1)?.headers['user-agent']).toContain('Chrome/')
})

test('while that browser is away requests fail in words; once it is back they are answered', async () => {
  const { own, stack } = await start({})
  expect(await text(stack)).toContain('token accepted')

  await own.kill()
  await expect(text(stack)).rejects.toMatchObject({ status: 503 })
  await startOwnBrowser(own.port)

  await vi.waitFor(async () => expect(await text(stack)).toContain('token accepted'), {
    timeout: 60_000,
    interval: 200,
  })
})
