import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const script = (...args: string[]) => promisify(execFile)(join(root, 'scripts/replicas.sh'), args)

describe('replicas.sh', () => {
  test('explains itself', async () => {
    expect((await script('--help')).stdout).toContain('Usage: scripts/replicas.sh N [--demo]')
  })

  test.each([['--nope'], ['0'], ['2', '3'], []])('refuses %s %s', async (...args) => {
    await expect(script(...args)).rejects.toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/\nTry scripts\/replicas\.sh --help\n$/),
    })
  })
})

describe('the demo', () => {
  let demo: ChildProcess | undefined
  afterEach(async () => {
    if (!demo || demo.exitCode !== null) return
    demo.kill('SIGTERM')
    await once(demo, 'exit')
  })

  test('of 2 replicas answers at one address, and leaves nothing behind when told to end', async () => {
    demo = startDemo(2, { PORT: '0', API_SECRET: 'sk-demo' })
    const shown = await linesUntil(demo, /^Ctrl-C ends them all/)
    const command = /curl -N (?<url>\S+) .*-d '(?<body>[^']+)'/s.exec(shown)?.groups
    const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer sk-demo' }
    const answer = await fetch(command?.url ?? '', { method: 'POST', headers, body: command?.body ?? '' })

    expect(shown).toContain('"Authorization: Bearer $API_SECRET"')
    expect(await answer.text()).toMatch(/canned.*\[DONE\]/s)
    const addresses = [...shown.matchAll(/^(?:replica \d|Redis) +\w+:\/\/(\S+)$/gm)].map(([, each]) => each)
    expect(addresses).toHaveLength(3)

    demo.kill('SIGTERM')
    expect(await once(demo, 'exit')).toEqual([0, null])
    for (const address of [new URL(command?.url ?? '').host, ...addresses])
      await expect(fetch(`http://${address}/livez`)).rejects.toThrow()
  })

  test('leaves nothing behind when told to end while it starts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'replicas-test-'))
    demo = startDemo(12, { PORT: '0', TMPDIR: folder })
    const hasRedis = () =>
      readdirSync(folder, { recursive: true }).some((path) => /appendonlydir$/.test(`${path}`))
    await expect.poll(hasRedis, { interval: 5, timeout: 10_000 }).toBe(true)
    demo.kill('SIGTERM')
    expect(await once(demo, 'exit')).toEqual([0, null])
    expect(processesWith(folder)).toEqual([])
    expect(readdirSync(folder)).toEqual([])
    rmSync(folder, { recursive: true })
  })
})

function startDemo(count: number, env: Readonly<Record<string, string>>) {
  const { PATH, HOME } = process.env
  return spawn(process.execPath, ['scripts/replicas.ts', String(count), '--demo'], {
    cwd: root,
    env: { PATH, HOME, HOST: '127.0.0.1', RECAPTCHA_MODE: 'off', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

/** In their arguments or their environment: some programs write over the one, some over the other. */
function processesWith(text: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return ['cmdline', 'environ'].some((file) =>
        readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(text),
      )
    } catch {
      // No process, or gone meanwhile.
      return false
    }
  })
}

async function linesUntil(child: ChildProcess, last: RegExp): Promise<string> {
  const lines: string[] = []
  if (!child.stdout) throw new Error('no output to read')
  for await (const line of createInterface(child.stdout)) {
    lines.push(line)
    if (last.test(line)) return lines.join('\n')
  }
  throw new Error(`"${last}" never came:\n${lines.join('\n')}`)
}
