import type { Page } from 'playwright'
import { expect, onTestFinished, test } from 'vitest'
import { openAccountContext } from '../../src/browser/account-context.ts'
import { createChromiumKeeper } from '../../src/browser/chromium-keeper.ts'
import { parseBrowserCookies } from '../../src/browser/session-sync.ts'
import { createAccount } from '../../src/core/account.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { serveRecaptchaDouble } from '../emulator/recaptcha/serve.ts'
import { until } from './support.ts'

function open(cookie: string, baseUrl: string) {
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
    account: createAccount(cookie),
    baseUrl,
    keeper,
    clock: systemClock,
    graceMs: 1_000,
    scriptMs: 30_000,
    challengeMs: 1_000,
    silenceMs: 1_000,
    answerMs: 4_000,
    closeMs: 2_000,
    onBroken: () => {},
  })
  return { keeper, context }
}

test('cookies that the browser refuses leave no context behind', { timeout: 60_000 }, async () => {
  const { keeper, context } = open(`session_id=alice; long=${'x'.repeat(10_000)}`, 'http://127.0.0.1:1')
  await expect(context.mint('agent')).rejects.toMatchObject({
    code: 'token_unavailable',
    message: expect.stringContaining('refuses the cookies'),
  })
  await context.close()
  const { browser } = await keeper.chromium(new AbortController().signal)
  expect(browser.contexts()).toEqual([])
})

test('FINDINGS X17: what a page of the site opens beside itself is closed', { timeout: 60_000 }, async () => {
  const double = await serveRecaptchaDouble()
  onTestFinished(() => double.close())
  const { keeper, context } = open('session_id=alice', double.url)
  await context.mint('agent')
  const { browser } = await keeper.chromium(new AbortController().signal)
  const [page] = browser.contexts()[0]?.pages() ?? []
  const popups: Page[] = []
  page?.on('popup', (popup) => popups.push(popup))
  await page?.evaluate(() => {
    for (const features of ['', 'noopener', '']) window.open('about:blank', '_blank', features)
  })
  await until(() => {
    expect(popups).toHaveLength(3)
    expect(popups.every((popup) => popup.isClosed())).toBe(true)
  })
  await context.mint('agent')
  await context.close()
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
