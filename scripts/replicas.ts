// Several replicas of the service on this machine: Redis behind them, nginx in front. To be started by replicas.sh.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseConfig } from '../src/config.ts'
import { startEmulator } from '../test/emulator/emulator.ts'
import { demoSettings } from './lib/demo-settings.ts'
import { type Child, startChild } from './lib/replicas/child.ts'
import { startNginx } from './lib/replicas/start-nginx.ts'

const readyWithinMs = 60_000
/** Beyond the grace: what a process needs to close in order. */
const closeMs = 5000

const [count = 0, isDemo] = [Number(process.argv[2]), process.argv[3] === '--demo']
if (existsSync('.env')) process.loadEnvFile('.env')
const folder = mkdtempSync(join(tmpdir(), 'genspark2api-replicas-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const replicas: Child[] = []
let redis: Child | undefined
let nginx: Child | undefined
let stopping: Promise<void> | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping) killAll()
    stopping ??= stop(0)
  })
}

try {
  await start()
} catch (error) {
  if (!stopping) await fail(error instanceof Error ? error.message : String(error))
}

async function start(): Promise<void> {
  const emulator = isDemo ? await startDemo() : undefined
  const config = parseConfig(process.env)
  const redisPort = await freePort()
  redis = await unlessStopping(startRedis(redisPort))
  const addresses: string[] = []
  for (let number = 1; number <= count; number += 1) {
    const port = await freePort()
    addresses.push(`127.0.0.1:${port}`)
    replicas.push(await unlessStopping(startReplica(number, port, redisPort)))
  }
  const port = config.port || (await freePort())
  nginx = await unlessStopping(
    startNginx({
      port,
      host: config.host,
      replicas: addresses,
      maxBodyMb: Math.ceil(config.maxBodyBytes / 1024 / 1024),
      folder: join(folder, 'nginx'),
      name: 'nginx',
    }),
  )
  watch(redis, 'Redis')
  watch(nginx, 'nginx')
  for (const [index, replica] of replicas.entries()) watch(replica, `Replica ${index + 1}`)

  const host = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host
  const url = `http://${host}:${port}`
  for (const address of addresses) await listening(`http://${address}/livez`)
  await listening(`${url}/livez`)
  if (stopping) return
  process.stdout.write(`
${emulator ? `This is a demo: no account is used. The mock of the site at ${emulator.url} gives canned answers.\n` : ''}${
  count
} ${count === 1 ? 'replica answers' : 'replicas answer'} as one service at ${url}

  curl -N ${url}${config.routePrefix}/v1/chat/completions -H 'Content-Type: application/json' \\${
    config.apiSecrets.length > 0 ? `\n    -H "Authorization: Bearer $API_SECRET" \\` : ''
  }
    -d '{"model":"gpt-5","stream":true,"messages":[{"role":"user","content":"Hello"}]}'

${addresses.map((address, index) => `replica ${index + 1}   http://${address}`).join('\n')}
Redis       redis://127.0.0.1:${redisPort}

Ctrl-C ends them all, a second one at once.
`)
}

/** Sets what makes it a demo in the environment that the replicas get. */
async function startDemo() {
  const checksTokens = process.env.RECAPTCHA_MODE !== 'off'
  const emulator = await startEmulator({ tokenCheck: checksTokens ? 'valid' : 'off' })
  Object.assign(process.env, {
    ...demoSettings(emulator.url),
    ...(!checksTokens && { TOKEN_REQUIRED: 'false' }),
  })
  return emulator
}

function startRedis(port: number): Promise<Child> {
  const settings = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'yes', daemonize: 'no' }
  return startChild(
    'redis-server',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
  )
}

function startReplica(number: number, port: number, redisPort: number): Promise<Child> {
  const env = {
    ...process.env,
    HOST: '127.0.0.1',
    PORT: String(port),
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    DATA_DIR: join(folder, `replica-${number}`),
    TRUSTED_PROXY_HOPS: '1',
  }
  return startChild(process.execPath, ['--max-semi-space-size=8', 'src/start.js'], {
    env,
    name: `replica ${number}`,
  })
}

/** What comes up after all were told to end was not among them. */
async function unlessStopping(starting: Promise<Child>): Promise<Child> {
  const child = await starting
  if (!stopping) return child
  child.kill()
  throw new Error('Told to end before all had started.')
}

/** One that is missing is no reason to look on as if all were well. */
function watch(child: Child, name: string): void {
  void child.exited.then(() => (stopping ? undefined : fail(`${name} has ended by itself.`)))
}

/** In order: nginx takes no more, the replicas end their streams through it, and Redis goes when nobody needs it. */
async function stop(exitCode: number): Promise<void> {
  const graceMs = graceOf() + closeMs
  const nginxGone = nginx?.end('SIGQUIT', graceMs + closeMs)
  await Promise.all(replicas.map((replica) => replica.end('SIGTERM', graceMs)))
  await nginxGone
  await redis?.end('SIGTERM', closeMs)
  process.exit(exitCode)
}

function killAll(): void {
  for (const child of [nginx, ...replicas, redis]) child?.kill()
}

async function fail(message: string): Promise<void> {
  process.stderr.write(`${message}\n`)
  stopping ??= stop(69)
  await stopping
}

/** Settings that are wrong are told elsewhere. */
function graceOf(): number {
  try {
    return parseConfig(process.env).shutdownGraceMs
  } catch {
    return 0
  }
}

async function listening(address: string): Promise<void> {
  const deadline = Date.now() + readyWithinMs
  while (!stopping) {
    const answer = await fetch(address).catch(() => undefined)
    if (answer?.ok) return
    if (Date.now() > deadline) throw new Error(`Nobody answers at ${address}.`)
    await delay(50)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
