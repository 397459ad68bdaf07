// What CASES asks of every chat, of those that only the page can ask: the site challenges every client that is no browser, over TLS
// with HTTP/2.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { processTree, survivors } from '../browser/support.ts'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { samplePng } from '../emulator/media/sample-files.ts'
import { repeated } from '../emulator/scenario.ts'
import { trustingChromium } from '../support/chromium.ts'
import { gated } from '../support/gated.ts'
import { readEvents } from '../support/read-events.ts'
import { selfSigned, trustSelfSigned } from '../support/self-signed.ts'
import { spawnService } from '../support/spawn-service.ts'
import { readyz, type Stack, type StackOptions, startStack } from '../support/stack.ts'

// Real browsers on a busy machine: the limit only catches a hang.
vi.setConfig({ testTimeout: 120_000 })
beforeAll(trustSelfSigned)

const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }
const emulated = { tls: true, challenge: 'clients' } as const
const endless = { chunks: repeated('word ', Number.POSITIVE_INFINITY), chunkDelayMs: 5 }

async function start({ env, ...options }: StackOptions = {}): Promise<Stack> {
  const stack = await startStack({
    ...options,
    env: { GENSPARK_TRANSPORT: 'browser', TOKEN_PREFETCH: '0', ...env },
    emulator: { ...emulated, ...options.emulator },
  })
  onTestFinished(() => stack.stop())
  return stack
}

const chat = async ({ openai }: Stack): Promise<string> =>
  (await openai.chat.completions.create(body)).choices[0]?.message.content ?? ''

function post(url: string, stream: boolean, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream }),
    ...(signal && { signal }),
  })
}

/** A stream that has begun and stands still until the gate opens. @returns what reads it to its end */
async function beginStream(stack: Stack, gate: Promise<unknown>): Promise<() => Promise<string>> {
  stack.emulator.answerWith({ type: 'answer', chunks: gated(gate) })
  const response = await post(stack.url, true)
  stack.emulator.answerWith(undefined)
  return async () => {
    const { events, done } = await readEvents(response)
    expect(done).toBe(true)
    return events.map((event) => event.choices?.[0]?.delta.content ?? '').join('')
  }
}

const browserPid = ({ logs }: Stack): number =>
  Number(logs.findLast(({ msg }) => msg === 'Chromium is running')?.pid)

const launches = ({ logs }: Stack): number => logs.filter(({ msg }) => msg === 'Chromium is running').length

const mintsBegun = ({ emulator }: Stack): number =>
  emulator.recaptcha.requests.filter(({ path }) => path === '/recaptcha/mint').length

/** Chats that wait for their tokens. */
async function beginMints(stack: Stack, count: number): Promise<Promise<string>[]> {
  const before = mintsBegun(stack)
  stack.emulator.recaptcha.behaviour.mintDelayMs = 8_000
  const chats = Array.from({ length: count }, () => chat(stack))
  for (const each of chats) each.catch(() => {})
  await vi.waitFor(() => expect(mintsBegun(stack)).toBeGreaterThanOrEqual(before + count), {
    timeout: 60_000,
  })
  stack.emulator.recaptcha.behaviour.mintDelayMs = 0
  return chats
}

describe('tokens, where the page asks', () => {
  it('D1: kill -9 of every renderer during a mint is not seen by the client', async () => {
    const stack = await start()
    expect(await chat(stack)).toContain('token accepted')
    const [waiting] = await beginMints(stack, 1)
    const renderers = processTree(browserPid(stack)).filter(({ command }) =>
      command.includes('--type=renderer'),
    )
    for (const { pid } of renderers) process.kill(pid, 'SIGKILL')
    expect(await waiting).toContain('token accepted')
    expect(launches(stack)).toBe(1)
    await stack.expectNothingLeft()
  })

  it('D2: kill -9 of the browser with ten mints waiting: all ten are answered, nothing is left of it', async () => {
    const stack = await start()
    expect(await chat(stack)).toContain('token accepted')
    const waiting = await beginMints(stack, 10)
    const killed = processTree(browserPid(stack))
    process.kill(browserPid(stack), 'SIGKILL')
    for (const answer of await Promise.all(waiting)) expect(answer).toContain('token accepted')
    expect(launches(stack)).toBe(2)
    await expect.poll(() => survivors(killed), { timeout: 30_000 }).toEqual([])
    await stack.expectNothingLeft()
  })

  it('D3: a page that loops for ever in execute meets its deadline; the streams of its account go on', async () => {
    const stack = await start()
    const gate = Promise.withResolvers<void>()
    const streams = [await beginStream(stack, gate.promise), await beginStream(stack, gate.promise)]
    stack.emulator.recaptcha.behaviour.execute = 'loop'
    await expect(chat(stack)).rejects.toMatchObject({ status: 503, code: 'token_unavailable' })
    stack.emulator.recaptcha.behaviour.execute = 'ok'
    expect(await chat(stack)).toContain('token accepted')
    gate.resolve()
    expect(await Promise.all(streams.map((read) => read()))).toEqual(['before after', 'before after'])
    expect(launches(stack)).toBe(1)
    await stack.expectNothingLeft()
  })

  it('D4: a browser that is frozen under ten mints is killed and launched anew', async () => {
    const stack = await start()
    expect(await chat(stack)).toContain('token accepted')
    const frozen = processTree(browserPid(stack))
    process.kill(browserPid(stack), 'SIGSTOP')
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => chat(stack)))
    // On a machine that is slow enough a deadline comes first: typed then.
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ status: 503 })
    expect(await chat(stack)).toContain('token accepted')
    expect(launches(stack)).toBe(2)
    await expect.poll(() => survivors(frozen), { timeout: 30_000 }).toEqual([])
    await stack.expectNothingLeft()
  })

  it.each([
    ['the script is blocked', { pageScript: 'blocked' }],
    ['there is no grecaptcha', { grecaptcha: 'never' }],
    ['the key is refused', { keyRefused: true }],
    ['the token is empty', { execute: 'empty' }],
  ] as const)(
    'D5: %s: 503 token_unavailable; with TOKEN_REQUIRED=false asked without, and counted',
    async (_name, fault) => {
      const stack = await start()
      Object.assign(stack.emulator.recaptcha.behaviour, fault)
      await expect(chat(stack)).rejects.toMatchObject({ status: 503, code: 'token_unavailable' })
      expect(stack.emulator.asks).toEqual([])

      const lenient = await start({ env: { TOKEN_REQUIRED: 'false' } })
      Object.assign(lenient.emulator.recaptcha.behaviour, fault)
      expect(await chat(lenient)).toContain('weaker model')
      expect((await lenient.metrics.tokenlessAsks.get()).values[0]?.value).toBe(1)
    },
  )

  it('D6: a token that grew old on the shelf is thrown away and minted anew; none is used twice', async () => {
    let nowMs = Date.now()
    const overrides = { clock: { now: () => nowMs } }
    const stack = await start({ env: { TOKEN_PREFETCH: '2' }, overrides })
    expect(await chat(stack)).toContain('token accepted')
    await expect.poll(() => stack.emulator.recaptcha.ledger.length, { timeout: 30_000 }).toBe(3)
    nowMs += 100_000
    expect(await chat(stack)).toContain('token accepted')
    const { values } = await stack.metrics.tokensMinted.get()
    expect(values.find(({ labels }) => labels.outcome === 'expired')?.value).toBe(2)
    expect(stack.emulator.asks.map(({ token }) => token.verdict)).toEqual(['accepted', 'accepted'])
  })
})

describe('clients, where the page asks', () => {
  let stack: Stack
  afterEach(async () => {
    await stack.expectNothingLeft()
    expect((await readyz(stack.url)).accounts).toMatchObject({ signed_out: [], cooling: [] })
  })
  const expectLogged499 = () => expect.poll(() => stack.logs.some((line) => line.status === 499)).toBe(true)

  it.each([true, false])(
    'C2: one that leaves in the middle of an answer closes the fetch (stream: %s)',
    async (stream) => {
      stack = await start({ emulator: { answer: { type: 'answer', ...endless } } })
      const client = new AbortController()
      const request = post(stack.url, stream, client.signal)
      request.catch(() => {})
      if (stream) await (await request).body?.getReader().read()
      else
        await expect
          .poll(() => stack.emulator.asks[0]?.bytesSent ?? 0, { timeout: 60_000 })
          .toBeGreaterThan(2000)
      client.abort()
      await stack.emulator.until(() => stack.emulator.asks[0]?.ended === 'client-closed')
      await expectLogged499()
    },
  )

  it('C2: one that leaves the line for an account is not asked for', async () => {
    stack = await start({
      env: { ACCOUNT_MAX_CONCURRENCY: '1' },
      emulator: { answer: { type: 'answer', ...endless } },
    })
    const holder = new AbortController()
    await (await post(stack.url, true, holder.signal)).body?.getReader().read()
    const waiting = new AbortController()
    const queued = post(stack.url, true, waiting.signal).catch((error: unknown) => error)
    const inFlight = async () => (await stack.metrics.requestsInFlight.get()).values[0]?.value
    await expect.poll(inFlight).toBe(2)
    waiting.abort()
    await expect.poll(inFlight).toBe(1)
    await queued
    expect(stack.emulator.asks).toHaveLength(1)
    holder.abort()
    await expectLogged499()
  })

  it('C2: one that leaves while its token is minted is not asked for', async () => {
    stack = await start()
    stack.emulator.recaptcha.behaviour.mintDelayMs = 60_000
    const client = new AbortController()
    const request = post(stack.url, true, client.signal).catch((error: unknown) => error)
    await vi.waitFor(() => expect(mintsBegun(stack)).toBe(1), { timeout: 60_000 })
    client.abort()
    await request
    await expect.poll(async () => (await readyz(stack.url)).accounts.in_flight).toBe(0)
    expect(stack.emulator.asks).toEqual([])
    await expectLogged499()
  })

  // What the browser itself takes in is its own affair (it takes all of it): no more than 256 KiB leave the page unread, see
  // page-transport.test.ts.
  it('C3: one that stops reading 50 MB in the middle costs nobody else anything, and loses nothing', async () => {
    const piece = 'y'.repeat(64 * 1024)
    stack = await start({
      emulator: {
        answer: { type: 'answer', chunks: repeated(piece, 800), split: 'joined', closing: 'empty' },
      },
    })
    const response = await post(stack.url, true)
    const reader = response.body?.getReader()
    const first = await reader?.read()
    stack.emulator.answerWith({ type: 'answer', text: 'Meanwhile' })
    for (let count = 0; count < 5; count += 1) expect(await chat(stack)).toBe('Meanwhile')
    let seen = countOf(first?.value)
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read())
      seen += countOf(read.value)
    expect(seen).toBe(800 * piece.length)

    stack.emulator.answerWith({ type: 'answer', chunks: repeated(piece, 800), split: 'joined' })
    const client = new AbortController()
    await (await post(stack.url, true, client.signal)).body?.getReader().read()
    client.abort()
    await expectLogged499()
  })
})

/** How often the letter of the answer stands in it. */
const countOf = (bytes: Uint8Array = new Uint8Array()): number =>
  bytes.reduce((count, byte) => count + Number(byte === 0x79), 0)

describe.each(['agent', 'copilot'] as const)('a picture of 10 MB over %s', (protocol) => {
  it('goes up through the page and is what the site gets', async () => {
    const stack = await start({ env: { GENSPARK_PROTOCOL: protocol } })
    const bytes = Buffer.concat([samplePng(1), Buffer.alloc(10 << 20, 7)])
    const url = `data:image/png;base64,${bytes.toString('base64')}`
    const { choices } = await stack.openai.chat.completions.create({
      model: 'gpt-5.4',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ],
    })
    expect(choices[0]?.message.content).toBeTruthy()
    expect(stack.emulator.asks[0]?.headers['user-agent']).toContain('Chrome/')
    expect(pictureOf(stack)?.equals(bytes)).toBe(true)
    await stack.expectNothingLeft()
  })
})

/** Where it was put, or as it stands in the ask. */
function pictureOf({ emulator }: Stack): Buffer | undefined {
  const [upload] = emulator.uploads
  if (upload) return upload.bytes
  const inline = /"data:image\/png;base64,([^"]+)"/.exec(JSON.stringify(emulator.asks[0]?.body))?.[1]
  return inline === undefined ? undefined : Buffer.from(inline, 'base64')
}

describe('H1: SIGTERM with 100 streams through the page', () => {
  let emulator: Emulator
  async function startProcess(graceS: string) {
    emulator = await startEmulator(emulated)
    const folder = await mkdtemp(join(tmpdir(), 'genspark2api-test-'))
    const certificate = join(folder, 'site.pem')
    await writeFile(certificate, selfSigned.cert)
    const service = await spawnService({
      GENSPARK_BASE_URL: emulator.url,
      GENSPARK_TRANSPORT: 'browser',
      SHUTDOWN_GRACE_S: graceS,
      BROWSER_EXECUTABLE: await trustingChromium(folder, emulator),
      NODE_EXTRA_CA_CERTS: certificate,
    })
    onTestFinished(async () => {
      await service.kill()
      await emulator.close()
      await rm(folder, { recursive: true })
    })
    return service
  }

  it('lets them end whole within the grace, refuses new requests, leaves no Chromium and exits 0', async () => {
    const service = await startProcess('60')
    const gate = Promise.withResolvers<void>()
    emulator.answerWith(() => ({ type: 'answer', chunks: gated(gate.promise) }))
    const streams = await Promise.all(Array.from({ length: 100 }, () => post(service.url, true)))
    const reading = streams.map(readEvents)
    await emulator.until(() => emulator.openAsks() === 100, 60_000)
    const pids = await service.chromiumPids()
    service.signal('SIGTERM')
    await expect.poll(async () => (await fetch(`${service.url}/readyz`)).status).toBe(503)
    const refused = await post(service.url, false)
    expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: 'shutting_down' } }])
    gate.resolve()
    for (const { events, done } of await Promise.all(reading)) {
      expect(done).toBe(true)
      expect(events.map((event) => event.choices?.[0]?.delta.content ?? '').join('')).toBe('before after')
    }
    expect(await service.exitCode).toBe(0)
    expect(pids.length).toBeGreaterThan(0)
    await expect.poll(() => pids.filter(isAlive), { timeout: 30_000 }).toEqual([])
    expect(emulator.openAsks()).toBe(0)
    expect(emulator.violations).toEqual([])
  })

  it('ends those that outlast the grace with an in-band error', async () => {
    const service = await startProcess('1')
    emulator.answerWith({ type: 'answer', ...endless })
    const reading = readEvents(await post(service.url, true))
    service.signal('SIGTERM')
    const { events, done } = await reading
    expect(done).toBe(false)
    expect(events.at(-1)).toMatchObject({ error: { code: 'shutting_down' } })
    expect(await service.exitCode).toBe(0)
    await emulator.until(() => emulator.openAsks() === 0)
  })

  it('exits at once on the second one', async () => {
    const service = await startProcess('600')
    emulator.answerWith({ type: 'answer', ...endless })
    const reading = readEvents(await post(service.url, true)).catch(() => 'cut')
    const pids = await service.chromiumPids()
    service.signal('SIGTERM')
    await service.logged('shutting down')
    service.signal('SIGTERM')
    expect(await service.exitCode).toBe(1)
    await reading
    await expect.poll(() => pids.filter(isAlive), { timeout: 30_000 }).toEqual([])
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
