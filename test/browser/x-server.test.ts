import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createChromiumKeeper } from '../../src/browser/chromium-keeper.ts'
import { startXServer } from '../../src/browser/x-server.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { processTree, survivors, until } from './support.ts'

const never = new AbortController().signal

async function makeHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'genspark2api-test-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  return home
}

function startKeeper(overrides: { readonly display?: string; readonly xAuthority?: string } = {}) {
  const keeper = createChromiumKeeper({
    browserExecutable: undefined,
    browserHeaded: true,
    proxyUrl: undefined,
    sandbox: false,
    launchMs: 30_000,
    answerMs: 4_000,
    random: () => 1,
    logger: silentLogger,
    metrics: createMetrics(),
    ...overrides,
  })
  onTestFinished(() => keeper.close())
  return keeper
}

const xServers = () => processTree(process.pid).filter(({ command }) => /\/Xvfb /.test(command))

/** Xvfb looks for its own helper on the path. */
const environment = { PATH: '/usr/bin:/bin' }

test('a display opens to whoever holds its cookie, and is gone once closed', async () => {
  const home = await makeHome()
  const server = await startXServer(home, environment)
  const { DISPLAY, XAUTHORITY } = server.environment
  const socket = `/tmp/.X11-unix/X${DISPLAY.slice(1)}`
  expect(existsSync(socket)).toBe(true)
  expect((await stat(XAUTHORITY)).mode & 0o777).toBe(0o600)
  const running = xServers()
  expect(running).toHaveLength(1)

  await server.close()

  expect(survivors(running)).toEqual([])
  expect(existsSync(socket)).toBe(false)
})

test('BROWSER_HEADED runs Chromium with a window on a display of its own, an ordinary browser; both end together', async () => {
  const keeper = startKeeper()
  const chromium = await keeper.chromium(never)
  const running = xServers()
  expect(running).toHaveLength(1)

  const page = await chromium.browser.newPage()
  const { userAgent, width } = await page.evaluate(() => ({
    userAgent: navigator.userAgent,
    width: window.outerWidth,
  }))
  expect(userAgent).not.toContain('Headless')
  expect(width).toBeGreaterThan(0)

  await keeper.close()
  await until(() => expect(survivors(running)).toEqual([]))
})

test('a Chromium that is killed takes its display along; the next one has another', async () => {
  const keeper = startKeeper()
  const first = await keeper.chromium(never)
  const running = xServers()

  process.kill(first.pid as number, 'SIGKILL')
  await first.ended

  expect(survivors(running)).toEqual([])
  const second = await keeper.chromium(never)
  expect(second.pid).not.toBe(first.pid)
  expect(xServers()).toHaveLength(1)
})

test('a display that is there is used in place of Xvfb', async () => {
  const home = await makeHome()
  const server = await startXServer(home, environment)
  onTestFinished(server.close)
  const before = xServers().length
  const { DISPLAY, XAUTHORITY } = server.environment
  const keeper = startKeeper({ display: DISPLAY, xAuthority: XAUTHORITY })

  const { browser } = await keeper.chromium(never)

  expect(await (await browser.newPage()).evaluate(() => navigator.userAgent)).not.toContain('Headless')
  expect(xServers()).toHaveLength(before)
})

test('FINDINGS O18: a display that cannot be opened is told in words', async () => {
  const keeper = startKeeper({ display: ':987' })
  await expect(keeper.chromium(never)).rejects.toMatchObject({
    code: 'token_unavailable',
    message: expect.stringMatching(
      /Chromium did not start \(.*(?:Missing X server|cannot open display|:987)/i,
    ),
  })
})
