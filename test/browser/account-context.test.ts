import { expect, onTestFinished, test } from 'vitest'
import { openAccountContext, parseBrowserCookies } from '../../src/browser/account-context.ts'
import { createChromiumKeeper } from '../../src/browser/chromium-keeper.ts'
import { createAccount } from '../../src/core/account.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'

test('cookies that the browser refuses leave no context behind', { timeout: 60_000 }, async () => {
  const keeper = createChromiumKeeper({
    browserExecutable: undefined,
    proxyUrl: undefined,
    sandbox: false,
    launchMs: 30_000,
    answerMs: 4_000,
    random: Math.random,
    logger: silentLogger,
    metrics: createMetrics(),
  })
  onTestFinished(() => keeper.close())
  const context = openAccountContext({
    account: createAccount(`session_id=alice; long=${'x'.repeat(10_000)}`),
    baseUrl: 'http://127.0.0.1:1',
    keeper,
    clock: systemClock,
    graceMs: 1_000,
    scriptMs: 1_000,
    challengeMs: 1_000,
    silenceMs: 1_000,
    answerMs: 4_000,
    closeMs: 2_000,
    onBroken: () => {},
  })
  await expect(context.mint('agent')).rejects.toMatchObject({
    code: 'token_unavailable',
    message: expect.stringContaining('refuses the cookies'),
  })
  await context.close()
  const { browser } = await keeper.chromium(new AbortController().signal)
  expect(browser.contexts()).toEqual([])
})

test('each pair of the header becomes a cookie of the site, its value untouched', () => {
  expect(parseBrowserCookies('session_id=a=b; c1="x y" ;empty=;stray', 'https://www.genspark.ai')).toEqual([
    { name: 'session_id', value: 'a=b', domain: 'www.genspark.ai', path: '/', secure: true },
    { name: 'c1', value: '"x y"', domain: 'www.genspark.ai', path: '/', secure: true },
    { name: 'empty', value: '', domain: 'www.genspark.ai', path: '/', secure: true },
  ])
})

test('over http a cookie is secure only where its name demands it', () => {
  const cookies = parseBrowserCookies(
    'session_id=a; __Secure-next-auth.session-token=b',
    'http://127.0.0.1:7044',
  )

  expect(cookies.map(({ domain, secure }) => ({ domain, secure }))).toEqual([
    { domain: '127.0.0.1', secure: false },
    { domain: '127.0.0.1', secure: true },
  ])
})
