import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { repeated } from '../emulator/scenario.ts'
import { readEvents } from '../support/read-events.ts'
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts'

const body = { model: 'gpt-5.4', messages: [{ role: 'user', content: 'Hello' }] }

let emulator: Emulator | undefined
let service: ServiceProcess | undefined
afterEach(async () => {
  await service?.kill()
  await emulator?.close()
  service = undefined
  emulator = undefined
})

describe('H1: SIGTERM', () => {
  it('lets 100 streams end whole within the grace, refuses new requests, leaves no Chromium and exits 0', async () => {
    emulator = await startEmulator()
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, SHUTDOWN_GRACE_S: '30' })
    const { url } = service
    const gate = Promise.withResolvers<void>()
    emulator.answerWith(() => ({ type: 'answer', chunks: gated(gate.promise) }))

    const streams = await Promise.all(Array.from({ length: 100 }, () => post(url, true)))
    const reading = streams.map(readEvents)
    const browserPids = await service.chromiumPids()
    expect(browserPids.length).toBeGreaterThan(0)

    service.signal('SIGTERM')
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(503)
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    const refused = await post(url, false)
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ error: { code: 'shutting_down' } })

    gate.resolve()
    for (const { events, done } of await Promise.all(reading)) {
      expect(done).toBe(true)
      expect(events.map((event) => event.choices?.[0]?.delta.content ?? '').join('')).toBe('before after')
    }
    expect(await service.exitCode).toBe(0)
    await expect.poll(() => browserPids.filter(isAlive)).toEqual([])
    expect(emulator.openAsks()).toBe(0)
    expect(emulator.violations).toEqual([])
  })

  it('ends the streams that outlast the grace with an in-band error', async () => {
    emulator = await startEmulator({
      answer: { type: 'answer', chunks: repeated('word ', Number.POSITIVE_INFINITY), chunkDelayMs: 20 },
    })
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, SHUTDOWN_GRACE_S: '1' })
    const stream = await post(service.url, true)
    const reading = readEvents(stream)
    service.signal('SIGTERM')
    const { events, done } = await reading
    expect(done).toBe(false)
    expect(events.at(-1)).toMatchObject({ error: { code: 'shutting_down' } })
    expect(await service.exitCode).toBe(0)
    await emulator.until(() => emulator?.openAsks() === 0)
  })

  it('ends in order although nobody reads its log any more', async () => {
    emulator = await startEmulator()
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, GS_COOKIE: '' })
    service.closeOutput()
    service.signal('SIGTERM')
    expect(await service.exitCode).toBe(0)
  })

  it('exits at once on the second one', async () => {
    emulator = await startEmulator({
      answer: { type: 'answer', chunks: repeated('word ', Number.POSITIVE_INFINITY), chunkDelayMs: 20 },
    })
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, SHUTDOWN_GRACE_S: '600' })
    const stream = await post(service.url, true)
    const reading = readEvents(stream).catch(() => 'cut')
    const browserPids = await service.chromiumPids()
    service.signal('SIGTERM')
    await service.logged('shutting down')
    service.signal('SIGTERM')
    expect(await service.exitCode).toBe(1)
    await reading
    await expect.poll(() => browserPids.filter(isAlive)).toEqual([])
  })
})

describe('nothing is left behind', () => {
  it('by an exit while Chromium is being launched', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'genspark2api-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const browserExecutable = join(folder, 'chromium')
    await writeFile(browserExecutable, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 })
    const temporary = join(folder, 'tmp')
    await mkdir(temporary)
    emulator = await startEmulator()
    service = await spawnService({
      GENSPARK_BASE_URL: emulator.url,
      BROWSER_EXECUTABLE: browserExecutable,
      TMPDIR: temporary,
    })
    const { chromiumPids } = service
    await expect.poll(chromiumPids).toHaveLength(1)
    const pids = await chromiumPids()
    service.signal('SIGTERM')
    await service.logged('shutting down')
    service.signal('SIGTERM')
    expect(await service.exitCode).toBe(1)
    await expect.poll(() => pids.filter(isAlive)).toEqual([])
    expect(await readdir(temporary)).toEqual([])
  })

  it('by a start on a port that is in use, which is said with exit code 1', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void taken.close())
    emulator = await startEmulator()
    const { port } = taken.address() as { port: number }
    const failed = await spawnService(
      { GENSPARK_BASE_URL: emulator.url, PORT: String(port) },
      { expectStart: false },
    )
    onTestFinished(failed.kill)
    expect(await failed.exitCode).toBe(1)
    expect(failed.output()).toContain(
      `Port ${port} is in use already, perhaps by another genspark2api: stop that one, or set PORT to another port.`,
    )
    expect(emulator.requests).toEqual([])
  })
})

describe('H3: bad settings', () => {
  it('are all named in one list, without a secret, and the exit code is 78', async () => {
    const failed = await spawnService(
      {
        PORT: 'eighty',
        GENSPARK_PROTOCOL: 'smoke-signals',
        MAX_ATTEMPTS: '-1',
        API_SECRET: 'sk-very-secret',
        GS_COOKIE: 'session_id=very-secret',
        STATE_KEY: 'secret-but-short',
        GENSPARK_BASE_URL: 'not a url',
      },
      { expectStart: false },
    )
    expect(await failed.exitCode).toBe(78)
    const output = failed.output()
    for (const name of ['PORT', 'GENSPARK_PROTOCOL', 'MAX_ATTEMPTS', 'STATE_KEY', 'GENSPARK_BASE_URL'])
      expect(output).toContain(name)
    expect(output).not.toContain('secret-but-short')
    expect(output).not.toContain('very-secret')
  })
})

describe('H6: readiness', () => {
  it('names a missing account, and probes ask nothing upstream', async () => {
    emulator = await startEmulator()
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, GS_COOKIE: '' })
    const response = await fetch(`${service.url}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ parts: { accounts: { ok: false, total: 0 } } })
    expect((await fetch(`${service.url}/livez`)).status).toBe(200)
    const refused = await post(service.url, false)
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({
      error: { code: 'no_account_available', message: expect.stringContaining('GS_COOKIE') },
    })
    expect(emulator.requests).toEqual([])
    expect(await service.chromiumPids()).toEqual([])
  })

  it('names a browser that cannot start', async () => {
    emulator = await startEmulator()
    service = await spawnService({
      GENSPARK_BASE_URL: emulator.url,
      BROWSER_EXECUTABLE: '/nonexistent/chromium',
    })
    const { url } = service
    const refused = await post(url, false)
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ error: { code: 'token_unavailable' } })
    const response = await fetch(`${url}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({
      parts: { browser: { ok: false, state: 'down', problem: expect.stringContaining("doesn't exist") } },
    })
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })

  it('keeps what it learnt about accounts across kill -9', async () => {
    emulator = await startEmulator({ signedOut: ['alice'] })
    const first = await spawnService({ GENSPARK_BASE_URL: emulator.url })
    expect((await post(first.url, false)).status).toBe(503)
    await first.kill()
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, DATA_DIR: first.dataDir })
    const asked = emulator.requests.filter((request) => request.path.includes('/ask')).length
    expect((await post(service.url, false)).status).toBe(503)
    expect(emulator.requests.filter((request) => request.path.includes('/ask')).length).toBe(asked)
  })
})

function post(url: string, stream: boolean): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream }),
  })
}

async function* gated(gate: Promise<void>): AsyncGenerator<string> {
  yield 'before '
  await gate
  yield 'after'
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
