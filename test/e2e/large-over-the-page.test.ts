// Over the page: what is large, and what ends with the process. See over-the-page.test.ts.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { samplePng } from '../emulator/media/sample-files.ts'
import { repeated } from '../emulator/scenario.ts'
import { trustingChromium } from '../support/chromium.ts'
import { gated } from '../support/gated.ts'
import { chat, emulated, endless, post, start } from '../support/page-stack.ts'
import { readEvents } from '../support/read-events.ts'
import { selfSigned, trustSelfSigned } from '../support/self-signed.ts'
import { spawnService } from '../support/spawn-service.ts'
import type { Stack } from '../support/stack.ts'

// Real browsers on a busy machine: the limit only catches a hang.
vi.setConfig({ testTimeout: 120_000 })
beforeAll(trustSelfSigned)

// What the browser itself takes in is its own affair (it takes all of it): no more than 256 KiB leave the page unread, see
// page-transport.test.ts.
it('C3: one that stops reading 50 MB in the middle costs nobody else anything, and loses nothing', async () => {
  const piece = 'y'.repeat(64 * 1024)
  const stack = await start({
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
  await expect.poll(() => stack.logs.some((line) => line.status === 499)).toBe(true)
  await stack.expectNothingLeft()
})

/** How often the letter of the answer stands in it. */
function countOf(bytes: Uint8Array = new Uint8Array()): number {
  let count = 0
  for (const byte of bytes) if (byte === 0x79) count += 1
  return count
}

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
