import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const script = (name: string, ...args: string[]) => promisify(execFile)(join(root, 'scripts', name), args)

describe.each(['run.sh', 'test.sh'])('%s', (name) => {
  test('explains itself', async () => {
    expect((await script(name, '--help')).stdout).toContain(`Usage: scripts/${name}`)
  })

  test('refuses an option that it does not know', async () => {
    await expect(script(name, '--nope')).rejects.toMatchObject({
      code: 64,
      stderr: `Unknown option: --nope\nTry scripts/${name} --help\n`,
    })
  })
})

describe('the demo', () => {
  let demo: ChildProcess | undefined
  afterEach(async () => {
    if (demo?.exitCode !== null) return
    demo.kill('SIGKILL')
    await once(demo, 'exit')
  })

  const start = (env: Record<string, string>): ChildProcess => {
    const { PATH, HOME } = process.env
    demo = spawn(process.execPath, ['scripts/demo.ts'], {
      cwd: root,
      env: { PATH, HOME, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return demo
  }

  test('prints a line that gets a canned answer with a good token, and ends when told to', async () => {
    const running = start({ API_SECRET: 'sk-demo', LOG_LEVEL: 'silent' })
    const shown = await linesUntil(running, 'Ctrl-C ends it.')
    const command = /curl -N (?<url>\S+) .*-d '(?<body>[^']+)'/s.exec(shown)?.groups
    const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer sk-demo' }
    const answer = await fetch(command?.url ?? '', { method: 'POST', headers, body: command?.body ?? '' })

    expect(shown).toContain('"Authorization: Bearer $API_SECRET"')
    expect(shown).not.toContain('sk-demo')
    expect(textOf(await answer.text())).toMatch(/canned answer.*token accepted.*Hello/s)

    running.kill('SIGTERM')
    expect(await once(running, 'exit')).toEqual([0, null])
  })

  test('may have a site that challenges us: asked directly it gives an error that says so', async () => {
    const running = start({ EMULATOR_CHALLENGE: '1', GENSPARK_TRANSPORT: 'direct', LOG_LEVEL: 'silent' })
    const shown = await linesUntil(running, 'Ctrl-C ends it.')
    const [url = ''] = /http\S+\/v1\/chat\/completions/.exec(shown) ?? []
    const body = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] })
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(url, { method: 'POST', headers, body })
    expect([answer.status, await answer.json()]).toMatchObject([
      502,
      { error: { code: 'upstream_challenge' } },
    ])
  })

  test.each([
    ['EMULATOR_GONE', 'copilto'],
    ['EMULATOR_CHALLENGE', 'none'],
  ])('refuses a %s that it does not know', async (name, value) => {
    expect(await once(start({ [name]: value }), 'exit')).toEqual([64, null])
  })
})

async function linesUntil(child: ChildProcess, last: string): Promise<string> {
  const lines: string[] = []
  if (!child.stdout) throw new Error('no output to read')
  for await (const line of createInterface(child.stdout)) {
    lines.push(line)
    if (line === last) return lines.join('\n')
  }
  throw new Error(`"${last}" never came:\n${lines.join('\n')}`)
}

function textOf(eventStream: string): string {
  return [...eventStream.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, piece]) => piece).join('')
}
