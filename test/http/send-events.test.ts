import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { ChatEventBatch } from '../../src/core/chat-event.ts'
import { ServiceError, UnavailableError, UpstreamError } from '../../src/core/errors.ts'
import {
  answerOf,
  chatBody,
  finished,
  startApp,
  streamBody,
  text,
  untilAborted,
} from './support/start-app.ts'

function request(body: object): string {
  const json = JSON.stringify(body)
  return `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`
}

/** Reads until the text has come. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: string): Promise<string> {
  let all = ''
  while (!all.includes(wanted)) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`the stream ended with ${JSON.stringify(all)}`)
    all += Buffer.from(value).toString()
  }
  return all
}

describe('sendEvents', () => {
  it('sends the headers that proxies need, and no compression (CLIENTS rules 1 and 20)', async () => {
    const { post } = await startApp()
    const response = await post(streamBody, { headers: { 'accept-encoding': 'gzip, br' } })
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
      'access-control-allow-origin': '*',
      'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/),
    })
    expect(response.headers.get('content-encoding')).toBeNull()
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/)
  })

  it('turns a failure before the first event into an HTTP error (CLIENTS rule 2)', async () => {
    const { post } = await startApp({
      runChat: () => Promise.reject(new UnavailableError('queue_timeout', { retryAfterMs: 5000 })),
    })
    const response = await post(streamBody)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await response.json()).toMatchObject({ error: { code: 'queue_timeout' } })
  })

  it('sends headers and comments when the first event is late, then the answer (CLIENTS rule 1)', async () => {
    const commit = Promise.withResolvers<void>()
    const { post } = await startApp({
      env: { HEADER_HOLD_S: '0', STREAM_PING_S: '1' },
      runChat: async () => {
        await commit.promise
        return answerOf([[...text('Hello'), finished]])
      },
    })
    const response = await post(streamBody)
    expect(response.status).toBe(200)
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>
    expect(await readUntil(reader, ': waiting\n\n: waiting\n\n')).toBe(': waiting\n\n: waiting\n\n')
    commit.resolve()
    expect(await readUntil(reader, '[DONE]')).toMatch(/^data: {"id":.*"role":"assistant"/)
  })

  it('tells a failure behind the headers in the stream, without end mark', async () => {
    const late = Promise.withResolvers<never>()
    const { post } = await startApp({ env: { HEADER_HOLD_S: '0' }, runChat: () => late.promise })
    const response = await post(streamBody)
    late.reject(new UpstreamError('challenged'))
    const body = await response.text()
    expect(body).toContain('"code":"upstream_challenge"')
    expect(body).not.toContain('[DONE]')
  })

  it('F3: tells a failure in the middle in the stream, without end mark', async () => {
    const { post, logs } = await startApp({
      runChat: () => Promise.resolve(answerOf([text('Hel')], new UpstreamError('reset'))),
    })
    const body = await (await post(streamBody)).text()
    expect(body).toContain('"content":"Hel"')
    expect(body.split('\n\n').at(-2)).toMatch(/^data: {"error":{.*"code":"upstream_reset"}}$/)
    expect(logs.filter((line) => line.level === 'error')).toEqual([])
  })

  it('shows a bug in the middle as internal_error and logs it whole', async () => {
    const { post, logs } = await startApp({
      runChat: () => Promise.resolve(answerOf([text('Hel')], new TypeError('secret detail'))),
    })
    const response = await post(streamBody)
    const body = await response.text()
    expect(body).toContain('"code":"internal_error"')
    expect(body).not.toContain('secret')
    expect(logs).toContainEqual(
      expect.objectContaining({
        level: 'error',
        requestId: response.headers.get('x-request-id'),
        err: expect.objectContaining({
          message: 'secret detail',
          stack: expect.stringContaining('TypeError'),
        }),
      }),
    )
  })

  it('C2: a client that leaves a stream is noticed at once and logged as 499', async () => {
    const left = Promise.withResolvers<void>()
    async function* endless(): AsyncGenerator<ChatEventBatch> {
      try {
        for (let index = 0; ; index++) {
          await new Promise((resolve) => setImmediate(resolve))
          yield text(`${index} `)
        }
      } finally {
        left.resolve()
      }
    }
    const app = await startApp({ runChat: () => Promise.resolve({ events: endless() }) })
    const line = app.nextRequestLine()
    const controller = new AbortController()
    const response = await app.post(streamBody, { signal: controller.signal })
    await response.body?.getReader().read()
    controller.abort()
    await left.promise
    expect(await line).toMatchObject({ status: 499 })
    expect(app.logs.filter(({ level }) => level !== 'debug' && level !== 'info')).toEqual([])
  })

  it.each([
    ['a stream', streamBody],
    ['a whole response', chatBody],
  ])('C2: a client that leaves while %s waits for its first event aborts the call', async (_name, body) => {
    const asked = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<unknown>()
    const app = await startApp({
      runChat: (_request, call) => {
        asked.resolve()
        call.signal.addEventListener('abort', () => aborted.resolve(call.signal.reason))
        return untilAborted(call)
      },
    })
    const line = app.nextRequestLine()
    const socket = connect(app.port, '127.0.0.1')
    socket.write(request(body))
    await asked.promise
    socket.destroy()
    expect(await aborted.promise).toMatchObject({ name: 'AbortError' })
    expect(await line).toMatchObject({ status: 499 })
    expect(app.logs.filter(({ level }) => level !== 'debug' && level !== 'info')).toEqual([])
  })

  it('C2: a client that leaves while it does not read is noticed too', async () => {
    const left = Promise.withResolvers<void>()
    async function* flood(): AsyncGenerator<ChatEventBatch> {
      try {
        for (;;) yield text('x'.repeat(1000))
      } finally {
        left.resolve()
      }
    }
    const app = await startApp({ runChat: () => Promise.resolve({ events: flood() }) })
    const socket = connect(app.port, '127.0.0.1').pause()
    socket.write(request(streamBody))
    const [, response] = await once(app.server, 'request')
    while (!response.writableNeedDrain) await new Promise((resolve) => setImmediate(resolve))
    socket.resetAndDestroy()
    await left.promise
  })

  it('H1: the end of the grace is told in the stream', async () => {
    async function* hanging(signal: AbortSignal): AsyncGenerator<ChatEventBatch> {
      yield text('Hel')
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const app = await startApp({
      runChat: (_request, { signal }) => Promise.resolve({ events: hanging(signal) }),
    })
    const response = await app.post(streamBody)
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>
    await readUntil(reader, 'Hel')
    app.endGrace()
    expect(await readUntil(reader, '"error"')).toContain('"code":"shutting_down"')
    expect((await reader.read()).done).toBe(true)
  })

  it('H1: the end of the grace is told even when the source does not listen', async () => {
    async function* deaf(): AsyncGenerator<ChatEventBatch> {
      yield text('Hel')
      await new Promise(() => {})
    }
    const app = await startApp({ runChat: () => Promise.resolve({ events: deaf() }) })
    const response = await app.post(streamBody)
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>
    await readUntil(reader, 'Hel')
    app.endGrace()
    await readUntil(reader, '"code":"shutting_down"')
  })

  it('C3: holds at most 256 KiB for a client that does not read, and loses nothing', async () => {
    const total = 50 * 1024 * 1024
    const sent = createHash('sha256')
    const serverSocket = Promise.withResolvers<Socket>()
    let pulled = 0
    let mostHeld = 0
    async function* answer(): AsyncGenerator<ChatEventBatch> {
      const socket = await serverSocket.promise
      for (let index = 0; pulled < total; index++) {
        mostHeld = Math.max(mostHeld, socket.writableLength)
        const words = `${index} `.padEnd(16_000, 'x')
        pulled += words.length
        sent.update(words)
        yield text(words)
      }
      yield [finished]
    }
    const app = await startApp({ runChat: () => Promise.resolve({ events: answer() }) })
    app.server.on('connection', serverSocket.resolve)
    const client = connect(app.port, '127.0.0.1').pause()
    client.write(request(streamBody))
    const [, response] = await once(app.server, 'request')
    // The socket's own timeout tells when nothing moves any more; the app would close the stream then.
    response.removeAllListeners('timeout').setTimeout(200)
    await once(response, 'timeout')
    expect(response.writableNeedDrain).toBe(true)
    expect(pulled).toBeLessThan(total / 2)

    const received = createHash('sha256')
    let rest = ''
    for await (const bytes of client) {
      const events = (rest + bytes).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) {
        const delta = /"content":"(\d*[x\d ]+)"/.exec(event)?.[1]
        if (delta) received.update(delta)
      }
      if (events.some((event) => event.includes('[DONE]'))) break
    }
    expect(received.digest('hex')).toBe(sent.digest('hex'))
    expect(mostHeld).toBeLessThanOrEqual(256 * 1024)
  })

  it('FINDINGS R4: of one large event at most 256 KiB are held for a client that does not read', async () => {
    const words = 'x'.repeat(20 * 1024 * 1024)
    async function* answer(): AsyncGenerator<ChatEventBatch> {
      yield text(words)
      yield [finished]
    }
    const app = await startApp({ runChat: () => Promise.resolve({ events: answer() }) })
    const client = connect(app.port, '127.0.0.1').pause()
    client.write(request(streamBody))
    const [, response] = await once(app.server, 'request')
    response.removeAllListeners('timeout').setTimeout(200)
    await once(response, 'timeout')
    expect(response.writableNeedDrain).toBe(true)
    expect(response.writableLength).toBeLessThanOrEqual(256 * 1024)

    let end = ''
    let received = 0
    for await (const bytes of client) {
      received += bytes.length
      end = (end + bytes).slice(-100)
      if (end.includes('[DONE]')) break
    }
    expect(received).toBeGreaterThan(words.length)
  })

  it('C3: closes a stream of which nothing is taken', async () => {
    const left = Promise.withResolvers<void>()
    async function* flood(): AsyncGenerator<ChatEventBatch> {
      try {
        for (;;) yield text('x'.repeat(16_000))
      } finally {
        left.resolve()
      }
    }
    const app = await startApp({ writeStallMs: 50, runChat: () => Promise.resolve({ events: flood() }) })
    const line = app.nextRequestLine()
    const client = connect(app.port, '127.0.0.1').pause()
    client.on('error', () => {})
    client.write(request(streamBody))
    await left.promise
    expect(await line).toMatchObject({ status: 499 })
    client.destroy()
  })

  it('C3: does not close a stream that is only quiet', async () => {
    const commit = Promise.withResolvers<void>()
    const app = await startApp({
      writeStallMs: 5,
      env: { HEADER_HOLD_S: '0' },
      runChat: async () => {
        await commit.promise
        return answerOf([[...text('Hello'), finished]])
      },
    })
    const asked = once(app.server, 'request')
    const response = await app.post(streamBody)
    const [, serverResponse] = await asked
    await once(serverResponse, 'timeout')
    commit.resolve()
    expect(await response.text()).toContain('[DONE]')
  })

  it('answers JSON when the error comes at once', async () => {
    const { post } = await startApp({ runChat: () => Promise.reject(new ServiceError('token_unavailable')) })
    expect((await post(streamBody)).headers.get('content-type')).toBe('application/json; charset=utf-8')
  })
})
