import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { descendants } from '../support/descendants.ts'
import { makeCleanCopy } from './clean-copy.ts'
import { codeBlocks, readDocument, section } from './markdown.ts'

const readme = readDocument('README.md')
const commandsOf = (heading: string) =>
  codeBlocks(section(readme, heading), 'sh').map((block) => block.trim())

let clone: string
let temporary: string
let started: ChildProcess | undefined

beforeAll(async () => {
  clone = await makeCleanCopy()
})
afterAll(() => rm(clone, { recursive: true, force: true }))
beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'genspark2api-test-'))
})
afterEach(async () => {
  if (started && started.exitCode === null && started.signalCode === null) started.kill('SIGKILL')
  started = undefined
  await rm(temporary, { recursive: true, force: true })
})

const environment = (env: Record<string, string> = {}) => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  TMPDIR: temporary,
  HOST: '127.0.0.1',
  PORT: '0',
  ...env,
})

/** As typed into a terminal. @param shown  resolves when this was written @returns all that was written until then */
async function start(command: string, shown: RegExp, env?: Record<string, string>): Promise<string> {
  const shell = spawn('bash', ['-c', command], { cwd: clone, env: environment(env), detached: true })
  started = shell
  let text = ''
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const look = (piece: Buffer) => {
    text += piece
    if (shown.test(text)) resolve(text)
  }
  shell.stdout.on('data', look)
  shell.stderr.on('data', look)
  shell.once('exit', () => reject(new Error(`it ended:\n${text}`)))
  return await promise
}

const type = async (command: string, env?: Record<string, string>): Promise<string> =>
  (await promisify(execFile)('bash', ['-c', command], { cwd: clone, env: environment(env) })).stdout

/** Ctrl-C, which a terminal sends to the whole group: everything ends, the service in order. */
async function interrupt(): Promise<void> {
  if (!started?.pid) throw new Error('nothing was started')
  const pids = [started.pid, ...(await descendants(started.pid))]
  const exit = once(started, 'exit')
  process.kill(-started.pid, 'SIGINT')
  expect(await exit).toEqual([0, null])
  // Helpers of Chromium that went with it may still have to be reaped.
  await expect.poll(() => pids.filter(isAlive)).toEqual([])
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('the quick start of the README, on a clean clone', () => {
  const [demo = '', run = ''] = commandsOf('### Without Docker')

  it('answers in the demo by the line that it prints, and leaves nothing behind', async () => {
    expect(demo).toBe('./scripts/run.sh --demo')
    const before = await readdir(clone)
    const shown = await start(demo, /Ctrl-C ends it\.\n/)
    const [, line = ''] = /Ask it:\n\n(.+?)\n\nCtrl-C/s.exec(shown) ?? []

    expect(line).toMatch(/^ *curl -N http/)
    const answer = textOf(await type(line))
    expect(answer.replaceAll(/\d+ ms/g, '_ ms')).toBe(promised().replaceAll(/\d+ ms/g, '_ ms'))

    await interrupt()
    expect(await readdir(temporary)).toEqual([])
    expect((await readdir(clone)).filter((name) => !before.includes(name))).toEqual(['.tools'])
  })

  describe('with an account', () => {
    let site: Emulator
    beforeAll(async () => {
      site = await startEmulator()
    })
    afterAll(() => site.close())

    it('answers the question of the README, takes a second account, and ends with Ctrl-C', async () => {
      expect(run).toMatch(/ \.\/scripts\/run\.sh$/)
      const both = /^(?=[\s\S]*"url":"[^"]+")(?=[\s\S]*g2a-admin-\S+\n)/
      const shown = await start(run, both, { GENSPARK_BASE_URL: site.url })
      const [key = ''] = /g2a-admin-\S+/.exec(shown) ?? []
      const address = /"url":"http:\/\/([^"]+)"/.exec(shown)?.[1] ?? ''
      const here = (command = '') => command.replaceAll('localhost:7044', address)

      const [ask] = commandsOf('### Ask it')
      expect(textOf(await type(here(ask)))).toMatch(/model claude-sonnet-5 \| token accepted.*Hello$/)

      const [add] = commandsOf('## First account')
      expect(JSON.parse(await type(here(add?.replace('g2a-admin-THE_KEY', key))))).toMatchObject({
        data: [{ state: 'usable' }],
      })

      await interrupt()
      expect(site.violations).toEqual([])
    })

    it('is found well by the doctor', async () => {
      expect(section(readme, '## Troubleshooting')).toContain('`npm run doctor`')
      const told = await type('npm run --silent doctor', {
        GENSPARK_BASE_URL: site.url,
        GS_COOKIE: 'session_id=PASTE_IT_HERE',
      })
      expect(told).toMatch(/^ok +token acc_\w+ +made by Chromium/m)
      expect(told).not.toContain('PASTE_IT_HERE')
    })
  })
})

/** What the README says that the demo answers. */
function promised(): string {
  const [, answer] =
    codeBlocks(section(readme, '### Without Docker'), '')
      .join('')
      .match(/^(\[canned.+)$/m) ?? []
  return answer ?? 'the README promises no answer'
}

const textOf = (eventStream: string): string =>
  [...eventStream.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, piece]) => piece).join('')
