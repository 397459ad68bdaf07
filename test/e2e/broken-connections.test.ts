import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PlannedFault } from '../support/fault-proxy.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { startHttpProxy, type TestProxy } from '../support/proxies.ts'
import { readEvents } from '../support/read-events.ts'
import { freePort } from '../support/redis-server.ts'
import { readyz, type Stack, startStack } from '../support/stack.ts'

// Hundreds of requests each; the limit only catches a hang.
const patience = { timeout: 120_000 }

const text = 'Grüße, 世界 🌍'
const whole = { status: 200, text, code: undefined, done: true }
const env = {
  RECAPTCHA_MODE: 'off',
  TOKEN_REQUIRED: 'false',
  AUTO_MODEL_CHAT_MAP_TYPE: '0',
  STREAM_ERROR_TEXT: '0',
  GS_COOKIE: 'session_id=alice,session_id=bob,session_id=carol',
}
const emulator = { tokenCheck: 'off', answer: { type: 'answer', text } } as const

const bodyOf = (stream: boolean) =>
  JSON.stringify({ model: 'gpt-5.4', messages: [{ role: 'user', content: 'Hello' }], stream })

async function askStream(url: string) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: bodyOf(true) })
  const { status } = response
  if (status !== 200) {
    const { error } = (await response.json()) as { error: { code: string } }
    return { status, text: '', code: error.code, done: false }
  }
  const { events, done } = await readEvents(response)
  return {
    status,
    text: events.map(({ choices }) => choices?.[0]?.delta.content ?? '').join(''),
    code: events.find(({ error }) => error)?.error?.code,
    done,
  }
}

/** Every `step`-th byte of what passes when nothing is wrong. */
function* positions(bytes: number, step: number): Generator<number> {
  for (let at = 0; at < bytes; at += step) yield at
}

describe.each([
  ['agent', 'POST /api/agent/ask_proxy'],
  ['copilot', 'POST /api/copilot/ask'],
] as const)('a connection to the site that breaks, over %s', (protocol, after) => {
  let proxy: FaultProxy
  let stack: Stack
  let answerBytes = 0

  beforeAll(async () => {
    const port = await freePort()
    proxy = await startFaultProxy({ port })
    stack = await startStack({
      env: { ...env, GENSPARK_PROTOCOL: protocol, GENSPARK_BASE_URL: `http://127.0.0.1:${proxy.port}` },
      emulator: { ...emulator, port },
    })
    const measured = at('answer', 'split', 1e9)
    expect(await askStream(stack.url)).toEqual(whole)
    answerBytes = measured.passed
    expect(answerBytes).toBeGreaterThan(500)
  })
  afterEach(async () => {
    proxy.resume()
    await stack.expectNothingLeft()
    expect((await readyz(stack.url)).accounts).toMatchObject({ signed_out: [] })
  })
  afterAll(async () => {
    await stack.stop()
    await proxy.close()
  })

  const at = (direction: PlannedFault['direction'], action: PlannedFault['action'], bytes: number) =>
    proxy.plan({ direction, action, bytes, after })

  it(
    'gives the whole answer when it comes in two packets, whatever the byte between them',
    patience,
    async () => {
      for (const bytes of positions(answerBytes, 1)) {
        const fault = at('answer', 'split', bytes)
        expect(await askStream(stack.url), `split at byte ${bytes}`).toEqual(whole)
        expect(fault.happened).toBe(true)
      }
    },
  )

  it('gives the whole answer when each packet has one byte', async () => {
    proxy.dribbleBytes = 1
    expect(await askStream(stack.url)).toEqual(whole)
    proxy.dribbleBytes = 0
  })

  it.each(['reset', 'hang-up', 'half-close'] as const)(
    'F2, F3: never passes off half an answer as whole after a %s, whatever the byte',
    patience,
    async (action) => {
      for (const bytes of positions(answerBytes, 5)) {
        const asksBefore = stack.emulator.asks.length
        const fault = at('answer', action, bytes)
        const answer = await askStream(stack.url)
        expect(fault.happened).toBe(true)
        const asks = stack.emulator.asks.length - asksBefore
        const where = `${action} at byte ${bytes}, ${asks} asks: ${JSON.stringify(answer)}`
        if (answer.done) expect(answer, where).toEqual(whole)
        else {
          // Once the answer has begun there is no second ask.
          expect(asks, where).toBe(1)
          expect(answer.code, where).toBe('upstream_reset')
          expect(text.startsWith(answer.text), where).toBe(true)
        }
      }
    },
  )

  it('asks again when the request breaks on its way, and once alone when it came whole', async () => {
    for (const bytes of positions(400, 40)) {
      at('request', 'reset', bytes)
      expect(await askStream(stack.url), `byte ${bytes}`).toEqual(whole)
    }
  })
})

describe('a proxy between this service and the site that breaks', () => {
  let proxy: TestProxy
  let faults: FaultProxy
  let stack: Stack
  beforeAll(async () => {
    proxy = await startHttpProxy()
    faults = await startFaultProxy(proxy)
    stack = await startStack({
      env: { ...env, GENSPARK_PROTOCOL: 'agent', PROXY_URL: proxy.url.replace(/\d+$/, `${faults.port}`) },
      emulator,
    })
    expect(await askStream(stack.url)).toEqual(whole)
    expect(proxy.asked.length).toBeGreaterThan(0)
  })
  afterAll(async () => {
    await stack.stop()
    await faults.close()
    await proxy.close()
  })

  async function askAnew(fault: Omit<PlannedFault, 'direction' | 'after'>) {
    // Kept-alive connections go, so that the proxy is greeted anew.
    faults.cut('hang-up')
    faults.plan({ ...fault, direction: 'answer', after: '127.0.0.1' })
    return askStream(stack.url)
  }

  it('serves all the same when its answers come in two packets, whatever the byte', patience, async () => {
    for (const bytes of positions(200, 1))
      expect(await askAnew({ action: 'split', bytes }), `byte ${bytes}`).toEqual(whole)
  })

  it.each(['reset', 'hang-up', 'half-close'] as const)(
    'another account serves after a %s, or the error is typed: those that met one rest for a moment',
    patience,
    async (action) => {
      const answers = []
      for (const bytes of positions(60, 2)) answers.push(await askAnew({ action, bytes }))
      for (const answer of answers)
        if (!answer.done)
          expect(answer).toMatchObject({ status: 503, code: 'upstream_unavailable', text: '' })
      await stack.expectNothingLeft()
      await expect.poll(() => askStream(stack.url)).toEqual(whole)
    },
  )
})

describe('a client on a bad line', () => {
  let line: FaultProxy
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack({ env: { ...env, GENSPARK_PROTOCOL: 'agent' }, emulator })
    line = await startFaultProxy({ port: Number(new URL(stack.url).port) })
  })
  afterEach(() => stack.expectNothingLeft())
  afterAll(async () => {
    await line.close()
    await stack.stop()
  })
  const url = () => `http://127.0.0.1:${line.port}`

  it(
    'is served whole when its request comes in two packets, whatever the byte between them',
    patience,
    async () => {
      for (const bytes of positions(400, 1)) {
        line.plan({ direction: 'request', action: 'split', bytes })
        expect(await askStream(url()), `byte ${bytes}`).toEqual(whole)
      }
    },
  )

  it('is served whole when it sends and reads byte by byte', async () => {
    line.dribbleBytes = 1
    expect(await askStream(url())).toEqual(whole)
    line.dribbleBytes = 0
  })

  it(
    'C2: leaves nothing behind when the line goes dead, whatever the byte of its answer',
    patience,
    async () => {
      for (const action of ['reset', 'hang-up', 'half-close'] as const) {
        for (const bytes of positions(1200, 60)) {
          line.plan({ direction: 'answer', action, bytes })
          await askStream(url()).catch(() => {})
        }
      }
      line.cut()
    },
  )

  it('C2: that ends its side while it waits has left', async () => {
    const begun = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    stack.emulator.answerWith({
      type: 'raw',
      respond(response) {
        response.once('close', closed.resolve)
        begun.resolve()
      },
    })
    const socket = connect({ port: line.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {})
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`
    socket.write(`${head}content-length: ${bodyOf(true).length}\r\n\r\n${bodyOf(true)}`)
    await begun.promise
    socket.end()
    await closed.promise
    socket.destroy()
    stack.emulator.answerWith(emulator.answer)
    expect(await askStream(url())).toEqual(whole)
  })
})
