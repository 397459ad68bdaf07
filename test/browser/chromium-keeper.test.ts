import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type ChromiumKeeperOptions, createChromiumKeeper } from '../../src/browser/chromium-keeper.ts'
import { findChromium, processorMs } from '../../src/browser/launch-chromium.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { processTree, until } from './support.ts'

const never = new AbortController().signal

function startKeeper(overrides: Partial<ChromiumKeeperOptions>) {
  const warnings: string[] = []
  const errors: string[] = []
  const keeper = createChromiumKeeper({
    browserExecutable: undefined,
    proxyUrl: undefined,
    sandbox: false,
    launchMs: 20_000,
    answerMs: 4_000,
    workMs: 30_000,
    random: () => 1,
    logger: {
      ...silentLogger,
      warn({ error }, message) {
        warnings.push(message)
        if (error) errors.push(String(error))
      },
    },
    metrics: createMetrics(),
    ...overrides,
  })
  onTestFinished(() => keeper.close())
  return { keeper, warnings, errors }
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

test('failed launches are held back ever longer; when the wait grows long, the cause is told at once', async () => {
  const { keeper, warnings } = startKeeper({ browserExecutable: await writeExecutable('exit 3') })

  // Tried again after 0, 0, 250, 500, 1,000 and 2,000 ms; a longer wait is refused.
  await expect(keeper.chromium(never)).rejects.toThrow(
    /Chromium did not start \(it ended with exit code 3\): check BROWSER_EXECUTABLE/,
  )
  expect(warnings.length).toBeGreaterThan(4)
  expect(keeper.state()).toBe('down')

  await expect(keeper.chromium(never)).rejects.toThrow(
    /Chromium failed \d times \(it ended with exit code 3\), next try in \d s/,
  )
})

test.each([
  [
    'exit 127',
    `echo "chromium: error while loading shared libraries: libnss3.so: no such file" >&2; exit 127`,
  ],
  ['a fatal line among others', `echo "dbus: no bus" >&2; echo "FATAL: libnss3.so is broken" >&2; exit 1`],
])('FINDINGS O18: what a Chromium said that did not start is told (%s)', async (_case, script) => {
  const { keeper, errors } = startKeeper({ browserExecutable: await writeExecutable(script) })
  const controller = new AbortController()
  const starting = keeper.chromium(controller.signal)
  starting.catch(() => {})

  await until(() => expect(errors[0]).toMatch(/libnss3\.so.*; it ended with exit code \d+$/))

  expect(errors[0]).not.toMatch(/--\w/)
  controller.abort(new Error('seen enough'))
  await expect(starting).rejects.toThrow(/libnss3|seen enough/)
})

test.each([
  ['is not there', async () => '/nowhere/chromium', /doesn't exist/],
  ['cannot be run', async () => '/etc/passwd', /EACCES/],
  [
    'lacks a library',
    () => writeExecutable('echo "error while loading shared libraries: x" >&2; exit 127'),
    /x;/,
  ],
])(
  'FINDINGS X6: a program that %s is told at once: no second try helps',
  async (_case, executable, reason) => {
    const { keeper, errors } = startKeeper({ browserExecutable: await executable() })
    await expect(keeper.chromium(never)).rejects.toThrow(reason)
    expect(errors).toHaveLength(1)
  },
)

test('FINDINGS X6: one launch that is killed fails nobody who waits for it', async () => {
  const once = join(await mkdtemp(join(tmpdir(), 'genspark2api-test-')), 'once')
  onTestFinished(() => rm(join(once, '..'), { recursive: true }))
  const browserExecutable = await writeExecutable(
    `if [ ! -e ${once} ]; then touch ${once}; kill -9 $$; fi\nexec ${await findChromium('')} "$@"`,
  )
  const { keeper, errors } = startKeeper({ browserExecutable })

  const all = await Promise.all(Array.from({ length: 20 }, () => keeper.chromium(never)))

  expect(new Set(all).size).toBe(1)
  expect(errors).toEqual([expect.stringMatching(/SIGKILL/)])
})

test('FINDINGS X1: a Chromium that answers but makes no page is killed and launched anew', async () => {
  const { keeper, warnings } = startKeeper({ workMs: 2_000 })
  const first = await keeper.chromium(never)
  await keeper.checkAlive(true)
  expect(keeper.state()).toBe('ready')
  const services = processTree(first.pid ?? 0).filter(({ command }) =>
    command.includes('network.mojom.NetworkService'),
  )
  expect(services).toHaveLength(1)
  for (const { pid } of services) process.kill(pid, 'SIGSTOP')

  await until(async () => {
    await keeper.checkAlive(true)
    expect(keeper.state()).not.toBe('ready')
  })

  expect(warnings).toContain('Chromium makes no page and is killed')
  const second = await keeper.chromium(never)
  const page = await second.browser.newPage()
  expect(await page.evaluate(() => 1)).toBe(1)
})

test('FINDINGS U17: pages live in the time zone of the service, which its headers tell the site', async () => {
  const { keeper } = startKeeper({})
  const { browser } = await keeper.chromium(never)
  const page = await browser.newPage()
  const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone)
  expect(zone).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone)
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

test('FINDINGS P12: a Chromium that nobody needs is ended, and launched again for the next who does', async () => {
  const { keeper, warnings } = startKeeper({})
  const first = await keeper.chromium(never)

  keeper.rest(60_000)
  expect(keeper.state()).toBe('ready')
  keeper.rest(0)
  expect(keeper.state()).toBe('idle')
  await first.ended

  const second = await keeper.chromium(never)
  expect(second.pid).not.toBe(first.pid)
  expect(keeper.browserName()).toMatch(/^\S+ \d+\.\d+/)
  expect(warnings.filter((message) => !message.includes('sandbox'))).toEqual([])
})

test('FINDINGS O12: a Chromium that does not start for want of memory says so, with no advice that would not help', async () => {
  const { keeper, errors } = startKeeper({
    browserExecutable: await writeExecutable('kill -9 $$'),
    memory: { mark: () => undefined, shortage: () => 'memory is short: 511 of 512 MB' },
  })

  const reason = await keeper.chromium(never).catch((error: Error) => error.message)
  expect(reason).toBe('No reCAPTCHA token: Chromium did not start (memory is short: 511 of 512 MB).')
  expect(errors[0]).toBe('memory is short: 511 of 512 MB')
})

test('the processor time of a group of processes grows while one of them is at work', async () => {
  const child = spawn('/bin/sh', ['-c', 'while :; do :; done & wait'], { detached: true })
  const group = child.pid as number
  onTestFinished(() => void process.kill(-group, 'SIGKILL'))
  await until(() => expect(processorMs(group)).toBeGreaterThan(50))
  expect(processorMs(2 ** 22)).toBe(0)
})
