import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { startEmulator } from '../emulator/emulator.ts'

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

test('the doctor of a fresh copy writes a report without a secret, and nothing else', {
  timeout: 60_000,
}, async () => {
  const emulator = await startEmulator()
  const folder = await mkdtemp(join(tmpdir(), 'canary-copy-'))
  onTestFinished(async () => {
    await emulator.close()
    await rm(folder, { recursive: true })
  })
  for (const name of ['package.json', 'package-lock.json', 'scripts', 'src'])
    await cp(join(root, name), join(folder, name), { recursive: true })
  // What run.sh would install, in its place: the network is no part of this test.
  const packages = join(folder, 'node_modules')
  await mkdir(packages)
  for (const name of await readdir(join(root, 'node_modules')))
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(packages, name))
  const { stdout: lock } = await promisify(execFile)('sh', ['-c', 'cksum <package-lock.json'], {
    cwd: folder,
  })
  await writeFile(join(packages, '.installed-from'), `${lock.trim()} all\n`)
  const before = await readdir(folder)
  const { PATH, HOME } = process.env
  const env = {
    ...{
      PATH: `${dirname(process.execPath)}:${PATH}`,
      HOME,
      RECAPTCHA_MODE: 'off',
      API_SECRET: 'sk-canary',
      GS_COOKIE: 'session_id=alice; c1=canary-c1',
    },
    GENSPARK_BASE_URL: emulator.url,
  }
  const { stdout } = await promisify(execFile)(join(folder, 'scripts/run.sh'), ['doctor', '--report', '-'], {
    env,
  })
  expect(stdout).toMatch(/^- genspark2api: \d+\.\d+\.\d+/m)
  expect(stdout).toMatch(/^\| ok \| direct account-1 \| HTTP 200/m)
  expect(stdout).toMatch(/^\| ok \| account account-1 \| signed in/m)
  expect(stdout).not.toMatch(/canary|alice|127\.0\.0\.1/)
  const made = (await readdir(folder)).filter((name) => !before.includes(name) && name !== '.tools')
  expect(made).toEqual(['data'])
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
