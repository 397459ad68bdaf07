import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type ChromiumKeeperOptions, createChromiumKeeper } from '../../src/browser/chromium-keeper.ts'
import { findChromium } from '../../src/browser/launch-chromium.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { until } from './support.ts'

const never = new AbortController().signal

function startKeeper(overrides: Partial<ChromiumKeeperOptions>) {
  const warnings: string[] = []
  const keeper = createChromiumKeeper({
    browserExecutable: undefined,
    proxyUrl: undefined,
    sandbox: false,
    launchMs: 20_000,
    answerMs: 4_000,
    random: () => 1,
    logger: { ...silentLogger, warn: (_fields, message) => warnings.push(message) },
    metrics: createMetrics(),
    ...overrides,
  })
  onTestFinished(() => keeper.close())
  return { keeper, warnings }
}

/** An executable made for one test. */
async function writeExecutable(script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'genspark2api-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'chromium')
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

test('without a usable sandbox Chromium runs without it, said once over several launches', async () => {
  const real = await findChromium('')
  const browserExecutable = await writeExecutable(`
case " $* " in
  *" --no-sandbox "*) exec ${real} "$@" ;;
  *) echo 'FATAL: No usable sandbox! Update your kernel' >&2; exit 1 ;;
esac`)
  const { keeper, warnings } = startKeeper({ browserExecutable, sandbox: true })

  const first = await keeper.chromium(never)
  await first.kill()
  const second = await keeper.chromium(never)

  expect(second.pid).not.toBe(first.pid)
  expect(warnings.filter((message) => message.includes('sandbox'))).toHaveLength(1)
})

test('callers share one launch', async () => {
  const { keeper } = startKeeper({})

  const [one, other] = await Promise.all([keeper.chromium(never), keeper.chromium(never)])

  expect(other).toBe(one)
})

test('failed launches are held back ever longer, and the cause is told at once', async () => {
  const { keeper } = startKeeper({ browserExecutable: await writeExecutable('exit 3') })
  const messages: string[] = []

  // Held back for 0, 0, 250, 500, 1,000 and 2,000 ms; a longer wait is refused.
  while (!messages.at(-1)?.includes('next try in')) {
    await keeper.chromium(never).catch((error: Error) => messages.push(error.message))
  }

  expect(messages[0]).toMatch(/Chromium did not start \(.+\): check BROWSER_EXECUTABLE/)
  expect(messages.length).toBeLessThan(9)
  expect(messages.at(-1)).toMatch(/Chromium failed \d times \(.+\), next try in \d s/)
  expect(keeper.state()).toBe('down')
})

test('a failed launch is tried again without a caller, until it succeeds', async () => {
  const browserExecutable = await writeExecutable('exit 3')
  const { keeper } = startKeeper({ browserExecutable })
  await expect(keeper.chromium(never)).rejects.toMatchObject({ code: 'token_unavailable' })
  expect(keeper.state()).toBe('down')

  await writeFile(browserExecutable, `#!/bin/sh\nexec ${await findChromium('')} "$@"\n`)

  await until(() => expect(keeper.state()).toBe('ready'))
})

test('a caller that leaves does not end the launch', async () => {
  const { keeper } = startKeeper({})
  const controller = new AbortController()
  const leaving = keeper.chromium(controller.signal)
  const staying = keeper.chromium(never)

  controller.abort(new Error('left'))

  await expect(leaving).rejects.toThrow('left')
  expect((await staying).browser.isConnected()).toBe(true)
})
