// The service against the mock of the site, all in this one process: nothing can stay behind when it ends.
// To be started by run.sh --demo, or as the command `demo` of the image. The environment of the service is as given, but for what makes it a demo.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseConfig } from '../src/config.ts'
import { wireGenerations } from '../src/core/wire-generation.ts'
import { startEmulator } from '../test/emulator/emulator.ts'
import { demoSettings } from './lib/demo-settings.ts'

const readyWithinMs = 60_000

if (existsSync('.env')) process.loadEnvFile('.env')
const challenge = challengeOf(process.env.EMULATOR_CHALLENGE)
const emulator = await startEmulator({ routes: routesBut(process.env.EMULATOR_GONE), ...challenge })
const dataDir = mkdtempSync(join(tmpdir(), 'genspark2api-demo-'))
process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }))
const signals = ['SIGINT', 'SIGTERM'] as const
const quit = () => process.exit(130)
for (const signal of signals) process.on(signal, quit)

Object.assign(process.env, {
  ...demoSettings(emulator.url),
  DATA_DIR: dataDir,
  // Canned answers are for whoever sits here. In a container the image says 0.0.0.0: only what is published is reached.
  HOST: process.env.HOST || '127.0.0.1',
})
if (process.env.PORT === '0') process.env.PORT = String(await freePort())
process.argv.length = 2
await import('../src/main.ts')
for (const signal of signals) process.off(signal, quit) // The service now has its own.

const { host, port, routePrefix, apiSecrets } = parseConfig(process.env)
const url = `http://${['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host}:${port}${routePrefix}`
await ready(`${url}/readyz`)
process.stdout.write(`
This is a demo: no account is used and Genspark is not asked. The mock of the site at ${emulator.url} gives
canned answers; the reCAPTCHA tokens come from its own page, in a real Chromium. Ask it:

  curl -N ${url}/v1/chat/completions -H 'Content-Type: application/json' \\${
    apiSecrets.length > 0 ? `\n    -H "Authorization: Bearer $API_SECRET" \\` : ''
  }
    -d '{"model":"gpt-5","stream":true,"messages":[{"role":"user","content":"Hello"}]}'

Ctrl-C ends it.
`)

/** @param gone  the wire generation whose route the site no longer has */
function routesBut(gone: string | undefined): Partial<Record<(typeof wireGenerations)[number], boolean>> {
  if (!gone) return {}
  const generation = wireGenerations.find((known) => known === gone)
  if (generation) return { [generation]: false }
  return fail(64, `EMULATOR_GONE must be ${wireGenerations.join(' or ')}`)
}

/** @param whom  `1`: clients that are no browser; `all`: browsers too */
function challengeOf(whom: string | undefined): { challenge?: 'clients' | 'all' } {
  if (!whom || whom === '0') return {}
  if (whom === '1') return { challenge: 'clients' }
  return whom === 'all' ? { challenge: whom } : fail(64, 'EMULATOR_CHALLENGE must be 1 or all')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  const { port: free } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return free
}

/** Interrupted while it starts, the service goes away under our questions: that is no fault. */
async function ready(address: string): Promise<void> {
  const deadline = Date.now() + readyWithinMs
  let state = 'no answer'
  while (Date.now() < deadline) {
    const answer = await fetch(address).catch(() => undefined)
    if (answer?.ok) return
    state = (await answer?.text().catch(() => undefined)) ?? state
    await delay(50)
  }
  return fail(69, `The service does not get ready: ${state}`)
}

function fail(exitCode: number, message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(exitCode)
}
