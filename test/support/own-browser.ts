import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { findChromium } from '../../src/browser/launch-chromium.ts'

/** A browser as an operator starts it, with remote debugging and a tab of his own; ended with the test. */
export async function startOwnBrowser(port = 0) {
  const profile = await mkdtemp(join(tmpdir(), 'own-browser-'))
  const executable = process.env.BROWSER_EXECUTABLE || (await findChromium('')) || ''
  const child = spawn(
    executable,
    [
      ...['--headless', '--no-sandbox', '--no-first-run', '--disable-gpu', '--remote-allow-origins=*'],
      ...[`--remote-debugging-port=${port}`, `--user-data-dir=${profile}`],
      'data:text/html,<title>my own tab</title>',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  )
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    process.kill(-(child.pid as number), 'SIGKILL')
    await exited
  }
  onTestFinished(async () => {
    await kill()
    await rm(profile, { recursive: true, maxRetries: 5 })
  })
  let said = ''
  for await (const text of child.stderr) {
    said += text
    const found = /ws:\/\/127\.0\.0\.1:(\d+)\/\S+/.exec(said)
    if (found) {
      child.stderr.resume()
      return { url: `http://127.0.0.1:${found[1]}`, socketUrl: found[0], port: Number(found[1]), kill }
    }
  }
  throw new Error(said)
}
