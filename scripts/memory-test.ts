// Runs the image within limits of memory, as a small instance has them, against the mock of the site whose page has 6 MB of script
// and a frame of another site, and tells what each limit holds. Root, with buildah; nothing is to be kept in the page cache
// beforehand, since a fresh instance has to read it all.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startEmulator } from '../test/emulator/emulator.ts'
import { startVerifier } from '../test/emulator/verifier.ts'
import { ask, type ReplicaAnswer } from '../test/support/ask-replica.ts'
import { openMemoryGroup } from '../test/support/memory-group.ts'

const help = `Usage: node scripts/memory-test.ts [--image NAME] [--only CASE] [--chats NUMBER]

Runs the image in groups of 512 MB, 768 MB and 1 GB: 50 chats for each account, two at once for each. A case fails unless all answer
200, 95 of 100 within 5 s, with no second launch of Chromium and nothing ended by the kernel.

  --image NAME     of buildah's store (STORAGE_DRIVER=vfs). Default: localhost/genspark2api:test, which
                   scripts/image-test.sh --keep leaves there
  --only CASE      only the case whose name begins so
  --chats NUMBER   for each account. Default: 50
`

interface Case {
  readonly name: string
  readonly megabytes: number
  readonly accounts: number
  readonly env: (addresses: { readonly verifierUrl: string }) => Record<string, string>
}

const cookies = (count: number) =>
  Array.from({ length: count }, (_, index) => `session_id=a${index}`).join(',')
const byPage = (accounts: number) => () => ({
  GS_COOKIE: cookies(accounts),
  GENSPARK_TRANSPORT: 'browser',
})

const cases: readonly Case[] = [
  { name: '512 keys', megabytes: 512, accounts: 2, env: () => ({ GENSPARK_API_KEY: 'gsk-a,gsk-b' }) },
  {
    name: '512 token service',
    megabytes: 512,
    accounts: 2,
    env: ({ verifierUrl }) => ({ GS_COOKIE: cookies(2), RECAPTCHA_PROXY_URL: verifierUrl }),
  },
  { name: '512 one account', megabytes: 512, accounts: 1, env: byPage(1) },
  {
    name: '1024 two accounts, tokens alone',
    megabytes: 1024,
    accounts: 2,
    env: () => ({ GS_COOKIE: cookies(2) }),
  },
  {
    name: '768 two accounts, tokens alone',
    megabytes: 768,
    accounts: 2,
    env: () => ({ GS_COOKIE: cookies(2) }),
  },
  { name: '768 two accounts, by page', megabytes: 768, accounts: 2, env: byPage(2) },
  { name: '1024 four accounts, by page', megabytes: 1024, accounts: 4, env: byPage(4) },
]

const { values } = parseArgs({
  options: {
    image: { type: 'string', default: 'localhost/genspark2api:test' },
    only: { type: 'string', default: '' },
    chats: { type: 'string', default: '50' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) process.stdout.write(help)
else process.exitCode = (await run()) ? 0 : 1

async function run(): Promise<boolean> {
  const emulator = await startEmulator()
  emulator.recaptcha.behaviour.pageScriptMb = 6
  const verifier = await startVerifier(emulator.recaptcha, { generation: 'agent' })
  const working = buildah('from', values.image)
  let good = true
  try {
    const rootfs = buildah('mount', working)
    for (const each of cases) {
      if (!each.name.startsWith(values.only)) continue
      const problems = await runCase(each, { rootfs, siteUrl: emulator.url, verifierUrl: verifier.url })
      for (const problem of problems) console.log(`    ${problem}`)
      good &&= problems.length === 0
    }
  } finally {
    buildah('umount', working)
    buildah('rm', working)
    await verifier.close()
    await emulator.close()
  }
  return good
}

function buildah(...args: string[]): string {
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs' }
  return execFileSync('buildah', args, { env, encoding: 'utf8' }).trim()
}

interface Surroundings {
  readonly rootfs: string
  readonly siteUrl: string
  readonly verifierUrl: string
}

/** @returns what is not as it should be */
async function runCase(each: Case, { rootfs, siteUrl, verifierUrl }: Surroundings): Promise<string[]> {
  const group = await openMemoryGroup(each.megabytes)
  if (typeof group === 'string') return [group]
  const data = mkdtempSync(join(tmpdir(), 'memory-test-'))
  mkdirSync(join(data, 'data'))
  execFileSync('chown', ['-R', '1000:1000', data])
  dropCache(rootfs)
  const port = String(17_000 + Math.floor(Math.random() * 1_000))
  const env = {
    ...{ PORT: port, HOST: '127.0.0.1', GENSPARK_BASE_URL: siteUrl, REQUEST_RATE_LIMIT: '100000' },
    ...each.env({ verifierUrl }),
  }
  const child = enter(rootfs, join(data, 'data'), env, group.processesFile)
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (log += text))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    const url = `http://127.0.0.1:${port}`
    const startedAt = performance.now()
    await untilLive(`${url}/livez`, () => child.exitCode !== null)
    const liveMs = performance.now() - startedAt
    const answers = await load(url, each.accounts)
    const took = answers.map(({ ms }) => ms).sort((one, other) => one - other)
    const p95 = took[Math.ceil(took.length * 0.95) - 1] ?? 0
    const bad = answers.filter(({ status }) => status !== 200)
    const launches = log.split('"msg":"Chromium is running"').length - 1
    const kills = await group.kills()
    const readiness = await fetch(`${url}/readyz`)
    const heap = heapOf(rootfs, group.processesFile)
    console.log(
      `${each.name}: ${answers.length - bad.length} of ${answers.length} answered, p50 ${seconds(took[took.length >> 1])}, p95 ${seconds(p95)}, longest ${seconds(took.at(-1))}; live after ${seconds(liveMs)}; launches ${launches}, kills ${kills}, peak ${(await group.peakMb()).toFixed(0)} MB, resident ${(await group.residentMb()).toFixed(0)} MB; heap up to ${heap} MB; /readyz ${readiness.status}`,
    )
    for (const line of log.split('\n'))
      if (/"level":"warn"/.test(line)) console.log(`    ${line.slice(0, 400)}`)
    return [
      ...[...new Set(bad.map(({ status, text }) => `${status} ${text}`))],
      ...(p95 > 5_000 ? ['p95 is above 5 s'] : []),
      ...(launches > 1 ? ['Chromium was launched again'] : []),
      ...(kills > 0 ? ['the kernel ended a process'] : []),
    ]
  } finally {
    // Its one child is the first process within.
    spawnSync('pkill', ['-TERM', '-P', String(child.pid)])
    if (child.exitCode !== null) console.log(`    it ended by itself: ${log.slice(-1_000)}`)
    const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(late)
    rmSync(data, { recursive: true })
    await delay(500)
    await group.remove().catch((error) => console.log(`    ${error}`))
  }
}

/** The image's entry point within the group, by the script that image-test.sh uses. */
function enter(
  rootfs: string,
  data: string,
  env: Record<string, string>,
  processesFile: string,
): ChildProcess {
  const variables = [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...buildah(
      'inspect',
      '--type',
      'image',
      '--format',
      '{{range .OCIv1.Config.Env}}{{.}} {{end}}',
      values.image,
    )
      .split(' ')
      .filter((variable) => variable && !variable.startsWith('PATH=')),
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
  ]
  const entry = buildah(
    ...[
      'inspect',
      '--type',
      'image',
      '--format',
      '{{range .OCIv1.Config.Entrypoint}}{{.}} {{end}}',
      values.image,
    ],
  ).split(' ')
  return spawn(
    '/bin/sh',
    [
      ...[
        '-c',
        'echo $$ >"$0" && exec unshare --mount --pid --ipc --fork --kill-child=SIGKILL "$@"',
        processesFile,
      ],
      ...['bash', join(import.meta.dirname, 'lib/image/enter-rootfs.sh'), rootfs, data, 'node'],
      ...[...variables, '--', ...entry],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
}

/** Of the image's own files alone: others on this machine keep theirs. */
function dropCache(rootfs: string): void {
  const program = `
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path) or not os.path.isfile(path): continue
        file = os.open(path, os.O_RDONLY)
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)
`
  execFileSync('sync')
  execFileSync('python3', ['-c', program, rootfs])
}

function heapOf(rootfs: string, processesFile: string): string {
  const print = 'console.log(Math.round(v8.getHeapStatistics().heap_size_limit / 1048576))'
  const node = join(rootfs, 'usr/local/bin/node')
  const args = [
    '-c',
    'echo $$ >"$0" && exec "$@"',
    processesFile,
    node,
    '--max-semi-space-size=8',
    '-e',
    print,
  ]
  return execFileSync('/bin/sh', args, { encoding: 'utf8' }).trim()
}

async function untilLive(url: string, hasEnded: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600 && !hasEnded(); tries += 1) {
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return
    await delay(100)
  }
  throw new Error('it does not answer')
}

type TimedAnswer = ReplicaAnswer & { readonly ms: number }

/** Two at once for each account. */
async function load(url: string, accounts: number): Promise<TimedAnswer[]> {
  const answers: TimedAnswer[] = []
  let left = accounts * Number(values.chats)
  const client = async () => {
    while (left > 0) {
      left -= 1
      const startedAt = performance.now()
      const answer = await ask(url)
      answers.push({ ...answer, ms: performance.now() - startedAt })
    }
  }
  await Promise.all(Array.from({ length: accounts * 2 }, client))
  return answers
}

function seconds(ms = 0): string {
  return `${(ms / 1000).toFixed(1)} s`
}
