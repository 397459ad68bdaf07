import { afterEach, describe, expect, it } from 'vitest'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { gated } from '../support/gated.ts'
import { readEvents } from '../support/read-events.ts'
import { type Replicas, startReplicas, untilShared } from '../support/replicas.ts'
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts'

let emulator: Emulator | undefined
let service: ServiceProcess | undefined
let all: Replicas | undefined
afterEach(async () => {
  await service?.kill()
  await emulator?.close()
  await all?.stop()
  service = undefined
  emulator = undefined
  all = undefined
})

const env = { RECAPTCHA_MODE: 'off', TOKEN_REQUIRED: 'false' }

describe('FINDINGS X3: work that is paid for', () => {
  it('in the background counts in the grace of SIGTERM', async () => {
    const gate = Promise.withResolvers<void>()
    emulator = await startEmulator({ tokenCheck: 'off' })
    emulator.answerWith(() => ({ type: 'answer', chunks: gated(gate.promise) }))
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, ...env })
    const { url, dataDir } = service
    const { id } = await post(url, '/v1/responses', { model: 'gpt-5.4', input: 'Hello', background: true })
    await emulator.until(() => emulator?.openAsks() === 1)
    service.signal('SIGTERM')
    await service.logged('shutting down')
    gate.resolve()
    expect(await service.exitCode).toBe(0)
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, ...env, DATA_DIR: dataDir })
    expect(await get(service.url, `/v1/responses/${id}`)).toMatchObject({
      status: 'completed',
      output: [{ content: [{ text: 'before after' }] }],
    })
  })

  it('is lost, and not in progress, once its process was killed and another one starts', async () => {
    emulator = await startEmulator({ tokenCheck: 'off' })
    emulator.answerWith(() => ({ type: 'answer', chunks: gated(new Promise(() => {})) }))
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, ...env })
    const { url, dataDir } = service
    const { id } = await post(url, '/v1/responses', { model: 'gpt-5.4', input: 'Hello', background: true })
    await emulator.until(() => emulator?.openAsks() === 1)
    await service.kill()
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, ...env, DATA_DIR: dataDir })
    expect(await get(service.url, `/v1/responses/${id}`)).toMatchObject({
      status: 'failed',
      error: { code: 'server_error' },
    })
  })

  it('a video goes on after a restart, for one request to the site', async () => {
    emulator = await startEmulator({
      tokenCheck: 'off',
      answer: { type: 'media', tasks: [{ steps: 4 }], polling: { stepDelayMs: 1_000 } },
    })
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, ...env })
    const { url, dataDir } = service
    const { id } = await post(url, '/v1/videos', { model: 'sora-2', prompt: 'Waves' })
    await expect.poll(async () => (await get(url, `/v1/videos/${id}`)).status).toBe('in_progress')
    await service.kill()
    service = await spawnService({ GENSPARK_BASE_URL: emulator.url, ...env, DATA_DIR: dataDir })
    const again = service.url
    await expect
      .poll(async () => (await get(again, `/v1/videos/${id}`)).status, { timeout: 25_000 })
      .toBe('completed')
    expect(emulator.asks).toHaveLength(1)
  })

  it('a video of a replica that was killed is waited for by another', { timeout: 120_000 }, async () => {
    all = await startReplicas(2, {
      emulator: { answer: { type: 'media', tasks: [{ steps: 4 }], polling: { stepDelayMs: 1_000 } } },
    })
    await untilShared(all.replicas)
    const [one, two] = all.replicas
    const { id } = await post(one?.url ?? '', '/v1/videos', { model: 'sora-2', prompt: 'Waves' })
    const statusOn = async (url = '') => (await get(url, `/v1/videos/${id}`)).status
    await expect.poll(() => statusOn(two?.url)).toBe('in_progress')
    await one?.kill()
    // It counts as gone 40 s after its last sign of life.
    await expect.poll(() => statusOn(two?.url), { timeout: 80_000, interval: 500 }).toBe('completed')
    expect(all.emulator.asks).toHaveLength(1)
  })
})

async function post(url: string, path: string, body: object) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await response.json()) as { readonly id: string }
}

const get = async (url: string, path: string) =>
  (await (await fetch(`${url}${path}`)).json()) as { readonly status: string }

it('FINDINGS X14: an error that nobody handles ends the streams in-band, is logged, and then the process ends', async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
  emulator.answerWith(() => ({ type: 'answer', chunks: gated(new Promise(() => {})) }))
  const failing = 'process.on("SIGUSR2", () => { throw new Error("nobody handles this") })'
  service = await spawnService({
    GENSPARK_BASE_URL: emulator.url,
    ...env,
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(failing)}`,
  })
  const response = await fetch(`${service.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4', stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
  })
  service.signal('SIGUSR2')
  const { events, done } = await readEvents(response)
  expect(done).toBe(false)
  expect(events.at(-1)).toMatchObject({ error: { code: 'internal_error' } })
  expect(await service.exitCode).toBe(1)
  expect(service.output()).toMatch(/"level":"?\w+"?.*nobody handles this/)
})

it('FINDINGS X14: SIGUSR1 opens no debugger', async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
  service = await spawnService({ GENSPARK_BASE_URL: emulator.url, ...env })
  service.signal('SIGUSR1')
  expect((await fetch(`${service.url}/livez`)).status).toBe(200)
  service.signal('SIGTERM')
  expect(await service.exitCode).toBe(0)
  expect(service.output()).not.toContain('Debugger')
})

it('FINDINGS X13: out of open files it says so, blames nobody else, and serves on afterwards', async () => {
  const end = Promise.withResolvers<void>()
  emulator = await startEmulator({ tokenCheck: 'off' })
  emulator.answerWith(() => ({ type: 'answer', chunks: gated(end.promise) }))
  service = await spawnService({ GENSPARK_BASE_URL: emulator.url, ...env }, { openFiles: 100 })
  const { url } = service
  const ask = async (stream: boolean): Promise<string> => {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-5.4', stream, messages: [{ role: 'user', content: 'Hello' }] }),
    })
    const text = await response.text()
    return /"code":"(\w+)"/.exec(text)?.[1] ?? String(response.status)
  }
  // Some are not even taken in.
  const asks = Array.from({ length: 60 }, () => ask(true).catch(() => 'not taken in'))
  await service.logged('this machine allows no more connections: raise ulimit -n')
  end.resolve()
  const outcomes = new Set(await Promise.all(asks))
  expect(outcomes).toContain('overloaded')
  for (const outcome of outcomes) expect(['200', 'overloaded', 'not taken in']).toContain(outcome)
  expect(service.output().match(/allows no more connections/g)).toHaveLength(1)
  // What counts tokens could not be loaded meanwhile.
  expect(await ask(false)).toBe('200')
})
