import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { answerOf, chatBody, finished, startApp, text, untilAborted } from './support/start-app.ts'

const kilobyte = 1024

const bodyOf = (kilobytes: number) =>
  JSON.stringify({ ...chatBody, padding: 'x'.repeat(kilobytes * kilobyte) })

async function outcome(response: Response) {
  const { error } = (await response.json()) as { error?: { code: string } }
  const { headers, status } = response
  return { status, code: error?.code, retryAfter: headers.get('retry-after') }
}

/** Chats that are answered when they are told to. */
function waitingChats() {
  const gate = Promise.withResolvers<void>()
  const begun = Array.from({ length: 8 }, () => Promise.withResolvers<void>())
  let count = 0
  return {
    open: gate.resolve,
    begun: (index: number) => begun[index]?.promise,
    runChat: async () => {
      begun[count]?.resolve()
      count += 1
      await gate.promise
      return answerOf([[...text('Hello'), finished]])
    },
  }
}

const full = { status: 503, code: 'overloaded', retryAfter: '5' }

it.each([
  ['plain', (body: string) => ({ body })],
  [
    'gzip',
    (body: string) => ({
      body: new Uint8Array(gzipSync(body)),
      headers: { 'content-encoding': 'gzip' } as Record<string, string>,
    }),
  ],
])('FINDINGS R1: bodies in flight share one budget, %s, and give it back', async (_, send) => {
  const chats = waitingChats()
  const { post } = await startApp({ env: { BODY_BUDGET_MB: '1' }, runChat: chats.runChat })
  const first = post('', send(bodyOf(600)))
  await chats.begun(0)
  expect(await outcome(await post('', send(bodyOf(600))))).toEqual(full)
  const small = post('', send(bodyOf(300)))
  await chats.begun(1)
  expect(await outcome(await post('', send(bodyOf(300))))).toEqual(full)
  chats.open()
  expect([(await first).status, (await small).status]).toEqual([200, 200])
  for (let turn = 0; turn < 5; turn += 1) expect((await post('', send(bodyOf(900)))).status).toBe(200)
})

it('FINDINGS R1: clients that leave give back what they took, while they send and while they wait', async () => {
  let begun = Promise.withResolvers<void>()
  const { post, port, server } = await startApp({
    env: { BODY_BUDGET_MB: '1' },
    runChat: (_, call) => {
      begun.resolve()
      return untilAborted(call)
    },
  })
  const socket = connect(port, '127.0.0.1')
  const received = once(server, 'request')
  socket.write(`POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: ${900 * kilobyte}\r\n\r\n`)
  const [request, response] = (await received) as [NodeJS.EventEmitter, NodeJS.EventEmitter]
  const closed = once(response, 'close')
  socket.write(' '.repeat(700 * kilobyte))
  await once(request, 'data')
  socket.destroy()
  await closed
  for (let turn = 0; turn < 3; turn += 1) {
    begun = Promise.withResolvers()
    const leaving = new AbortController()
    const waiting = post(bodyOf(900), { signal: leaving.signal })
    await begun.promise
    expect(await outcome(await post(bodyOf(900)))).toEqual(full)
    leaving.abort()
    await expect(waiting).rejects.toThrow()
    await expect.poll(() => isFree(post)).toBe(true)
  }
})

/** Malformed, so that it is answered at once when it could be read. */
async function isFree(post: (body: string) => Promise<Response>): Promise<boolean> {
  return (await post(' '.repeat(900 * kilobyte))).status === 400
}

it('FINDINGS R1: a client whose body is refused can send it to its end and use its connection again', async () => {
  const { port } = await startApp({ env: { MAX_BODY_MB: '1' } })
  const socket = connect(port, '127.0.0.1')
  let answers = ''
  socket.on('data', (bytes) => {
    answers += bytes
  })
  socket.write('POST /v1/responses HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
  const chunk = `10000\r\n${' '.repeat(64 * kilobyte)}\r\n`
  for (let sent = 0; sent < 400; sent += 1) socket.write(chunk)
  socket.write('0\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  await expect.poll(() => answers).toMatch(/^HTTP\/1.1 413 [\s\S]*HTTP\/1.1 200 /)
  socket.destroy()
})

it('FINDINGS R1: a body counts for what its values take in memory', async () => {
  const { post } = await startApp({ env: { BODY_BUDGET_MB: '1' } })
  const objects = (count: number) => JSON.stringify({ ...chatBody, padding: Array(count).fill({}) })
  expect((await post(objects(3_000))).status).toBe(200)
  expect(await outcome(await post(objects(10_000)))).toMatchObject({ status: 413, code: 'request_too_large' })
  const words = JSON.stringify({ ...chatBody, padding: '{[,:'.repeat(100 * kilobyte) })
  expect((await post(words)).status).toBe(200)
})

it('FINDINGS R1: a response made in the background holds its body until it is made', async () => {
  const chats = waitingChats()
  const { send } = await startApp({ env: { BODY_BUDGET_MB: '1' }, runChat: chats.runChat })
  const body = { model: 'claude-sonnet-5', input: 'x'.repeat(600 * kilobyte) }
  const queued = await send('/v1/responses', { ...body, background: true })
  expect(queued.status).toBe(200)
  const { id } = (await queued.json()) as { id: string }
  await chats.begun(0)
  expect(await outcome(await send('/v1/responses', body))).toEqual(full)
  chats.open()
  await expect.poll(async () => (await send('/v1/responses', body)).status).toBe(200)
  expect(id).toMatch(/^resp_/)
})

it.each(['deflate', 'gzip', 'br', 'zstd'])(
  'a large body that is not %s, as it says, is answered',
  async (encoding) => {
    const { post } = await startApp()
    const response = await post(bodyOf(300), { headers: { 'content-encoding': encoding } })
    expect((await outcome(response)).status).toBe(400)
  },
)
