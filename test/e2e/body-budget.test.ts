import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { startEmulator } from '../emulator/emulator.ts'
import { gated } from '../support/gated.ts'
import { spawnService } from '../support/spawn-service.ts'
import { startStack } from '../support/stack.ts'

const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='

const megabyte = 1024 * 1024

/** 18.6 KB that unpack to 19 MB. */
const manyLetters = gzipSync(JSON.stringify({ model: 'gpt-5.4', input: 'x'.repeat(19 * megabyte) }))
/** As small, and twenty times its size once it is parsed. */
const manyObjects = gzipSync(`{"model":"gpt-5.4","input":[${'{},'.repeat(6 * megabyte)}{}]}`)

/** Small enough to be read, and of so many names that little more than one of them fits. */
const manyNames = gzipSync(
  `{"model":"gpt-5.4","input":"x","tools":[{"type":"function","name":"f","parameters":{${Array.from({ length: 300_000 }, (_, index) => `"k${index}":0`).join()}}}]}`,
)
/** Of messages with few words. */
const manyMessages = gzipSync(
  JSON.stringify({ model: 'gpt-5.4', input: Array(300_000).fill({ role: 'user', content: 'a b c' }) }),
)

async function start(heapMb: number, env: Readonly<Record<string, string>> = {}) {
  const emulator = await startEmulator({ answer: { type: 'answer', chunks: ['Hi'] } })
  onTestFinished(() => emulator.close())
  const service = await spawnService({
    GENSPARK_BASE_URL: emulator.url,
    RECAPTCHA_MODE: 'off',
    NODE_OPTIONS: `--max-old-space-size=${heapMb}`,
    ...env,
  })
  onTestFinished(() => service.kill())
  const post = async (body: Buffer) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const response = await fetch(`${service.url}/v1/responses`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers,
    })
    const answer = (await response.json()) as { error?: { code: string } }
    return {
      status: response.status,
      code: answer.error?.code,
      retryAfter: response.headers.get('retry-after'),
    }
  }
  return { service, emulator, post }
}

it.each([256, 512, 1024])(
  'FINDINGS R1: thirty requests of 18.6 KB do not end a process with %i MB of heap',
  async (heapMb) => {
    const { service, post } = await start(heapMb)
    for (const body of [manyLetters, manyObjects, manyNames, manyMessages]) {
      const times = body === manyLetters ? 30 : 6
      const answers = await Promise.all(Array.from({ length: times }, () => post(body)))
      for (const { status, code, retryAfter } of answers) {
        if (status === 200 || status === 413 || status === 400) continue
        expect([status, code, retryAfter]).toEqual([503, 'overloaded', '5'])
      }
    }
    expect((await post(gzipSync('{"model":"gpt-5.4","input":"Hello"}'))).status).toBe(200)
    expect((await post(manyLetters)).status).toBe(200)
    service.signal('SIGTERM')
    expect(await service.exitCode).toBe(0)
  },
  120_000,
)

it('FINDINGS R1: pictures that are fetched count as though they had been sent', async () => {
  const png = Buffer.concat([Buffer.from(pixel, 'base64'), Buffer.alloc(600 * 1024)])
  const pictures = createServer((_request, response) => response.end(png)).listen(0, '127.0.0.1')
  await once(pictures, 'listening')
  onTestFinished(() => void pictures.close())
  const stack = await startStack({
    env: {
      ...{ RECAPTCHA_MODE: 'off', IMAGE_URL_ALLOW_PRIVATE: '1', BODY_BUDGET_MB: '1', MAX_BODY_MB: '1' },
      GENSPARK_PROTOCOL: 'agent',
    },
  })
  onTestFinished(() => stack.stop())
  const gate = Promise.withResolvers<void>()
  stack.emulator.answerWith({ type: 'answer', chunks: gated(gate.promise) })
  const image_url = { url: `http://127.0.0.1:${(pictures.address() as AddressInfo).port}/a.png` }
  const ask = () =>
    stack.openai.chat.completions.create({
      model: 'gpt-5.4',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url }] }],
    })
  const first = ask()
  await stack.emulator.until(() => stack.emulator.openAsks() === 1)
  await expect(ask()).rejects.toMatchObject({ status: 503, code: 'overloaded' })
  gate.resolve()
  await first
  stack.emulator.answerWith({ type: 'answer', text: 'Hi' })
  expect((await ask()).choices).toHaveLength(1)
})
