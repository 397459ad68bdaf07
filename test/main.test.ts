import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { version } from '../src/core/version.ts'
import { spawnService } from './support/spawn-service.ts'

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = tmpdir()) =>
  new Promise<{ readonly exitCode: unknown; readonly output: string }>((resolve) => {
    const options = { cwd, env: { PATH: process.env.PATH, ...env } }
    const entry = join(import.meta.dirname, '../src/start.js')
    execFile(process.execPath, [entry, ...args], options, (error, stdout, stderr) =>
      resolve({ exitCode: error?.code ?? 0, output: stdout + stderr }),
    )
  })

async function listen(server: Server, host = '127.0.0.1'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  onTestFinished(() => void server.close())
  return String((server.address() as AddressInfo).port)
}

test.each([
  [200, 0, ''],
  [503, 1, '/livez answers 503\n'],
])('the health check of a service that answers %i ends with %i', async (status, exitCode, output) => {
  const asked: unknown[] = []
  const server = createServer(({ url }, response) => {
    asked.push(url)
    response.writeHead(status).end('{}')
  })
  const PORT = await listen(server)
  expect(await run(['healthcheck'], { PORT })).toEqual({ exitCode, output })
  expect(asked).toEqual(['/livez'])
})

test('the health check says why nothing answers', async () => {
  const { exitCode, output } = await run(['healthcheck'], { PORT: '1', HOST: '127.0.0.1' })
  expect(exitCode).toBe(1)
  expect(output).toMatch(/^\/livez does not answer: .*ECONNREFUSED/)
})

test('--version is that of package.json', async () => {
  expect(await run(['--version'])).toEqual({ exitCode: 0, output: `${version}\n` })
})

test('an argument that it does not know ends with 64, and help names the commands and the settings', async () => {
  for (const args of [
    ['dance'],
    ['doctor', 'dance'],
    ['doctor', '--report', '-', 'dance'],
    ['healthcheck', 'dance'],
  ])
    expect(await run(args)).toEqual({ exitCode: 64, output: 'unknown argument: dance\nTry --help.\n' })
  expect(await run(['doctor', '--report'])).toMatchObject({ exitCode: 64 })
  const { exitCode, output } = await run(['--help'])
  expect(exitCode).toBe(0)
  for (const word of ['doctor', 'healthcheck', 'admin-key', 'GS_COOKIE', 'API_SECRET'])
    expect(output).toContain(word)
})

test('FINDINGS S4: the key of the operator is shown once, and another opens the service that runs', async () => {
  const DATA_DIR = mkdtempSync(join(tmpdir(), 'genspark2api-test-'))
  onTestFinished(() => rmSync(DATA_DIR, { recursive: true, force: true }))
  const service = await spawnService({ DATA_DIR, API_SECRET: 'sk-a', RECAPTCHA_MODE: 'off', GS_COOKIE: '' })
  onTestFinished(() => service.kill())
  await expect.poll(service.output).toMatch(/g2a-admin-\S+\n/)
  const key = /g2a-admin-\S+/.exec(service.output())?.[0] ?? ''
  for (const line of service.output().split('\n')) if (line.startsWith('{')) expect(line).not.toContain(key)
  const status = async (bearer: string) =>
    (await fetch(`${service.url}/admin/accounts`, { headers: { authorization: `Bearer ${bearer}` } })).status
  expect([await status(key), await status('sk-a')]).toEqual([200, 401])

  const { exitCode, output } = await run(['admin-key'], { DATA_DIR })
  expect([exitCode, output]).toEqual([0, expect.stringMatching(/^g2a-admin-[\w-]{43}\n$/)])
  expect([await status(key), await status(output.trim())]).toEqual([401, 200])
})

test('no key is made in a Redis that is away', async () => {
  const { exitCode, output } = await run(['admin-key'], {
    REDIS_URL: 'redis://127.0.0.1:1',
    DATA_DIR: tmpdir(),
  })
  expect(exitCode).toBe(1)
  expect(output).toMatch(/no key was made/)
})

test.each(['::1', '[::1]', '::'])(
  'FINDINGS O10: the health check asks a service on HOST=%s',
  async (HOST) => {
    const server = createServer((_, response) => response.end('{}'))
    const PORT = await listen(server, '::1')
    expect(await run(['healthcheck'], { PORT, HOST })).toEqual({ exitCode: 0, output: '' })
  },
)

/** A folder to start in, with this `.env`. */
function folderWith(write: (file: string) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'genspark2api-main-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  write(join(folder, '.env'))
  return folder
}

test.each<[string, (file: string) => void, RegExp]>([
  ['a folder', mkdirSync, /^\.env is a folder.*\n$/],
  ['in UTF-16', (file) => writeFileSync(file, 'API_SECRET=sk-t\n', 'utf16le'), /^\.env is in UTF-16.*\n$/],
  ['YAML', (file) => writeFileSync(file, 'API_SECRET: sk-t\n'), /^\.env, line 1: .*\n$/],
])(
  'FINDINGS S3, X12, O8: a .env that is %s ends every command with 78 and one line',
  async (_, write, line) => {
    const folder = folderWith(write)
    for (const command of [[], ['doctor'], ['healthcheck']]) {
      const { exitCode, output } = await run(command, {}, folder)
      expect(exitCode).toBe(78)
      expect(output).toMatch(line)
    }
    expect((await run(['--help'], {}, folder)).exitCode).toBe(0)
  },
)

test('FINDINGS S3: a setting behind a byte order mark holds, also over an empty variable', async () => {
  const folder = folderWith((file) => writeFileSync(file, '\uFEFFPORT=none\n'))
  for (const env of [{}, { PORT: '' }]) {
    const { exitCode, output } = await run(['healthcheck'], env, folder)
    expect([exitCode, output]).toEqual([78, expect.stringContaining('PORT must be a whole number')])
  }
})
