import { type ClientHttp2Session, connect } from 'node:http2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { trustSelfSigned } from '../support/self-signed.ts'
import { type Emulator, startEmulator } from './emulator.ts'
import { agentBody, agentImageBody, askAgent, askHeaders } from './raw-request.ts'
import { type Cut, repeated } from './scenario.ts'

trustSelfSigned()

let emulator: Emulator
let session: ClientHttp2Session
beforeEach(async () => {
  emulator = await startEmulator({ tls: { maxConcurrentStreams: 50 }, tokenCheck: 'off' })
  session = connect(emulator.url).on('error', () => {})
})
afterEach(async () => {
  session.destroy()
  await emulator.close()
})

const { Cookie, Accept, ...rest } = askHeaders
const headers = { ...rest, cookie: Cookie, accept: Accept }

/** One ask over HTTP/2, read to its end. */
async function ask(body: unknown = agentBody, more = {}) {
  const pseudo = { ':method': 'POST', ':path': '/api/agent/ask_proxy' }
  const stream = session.request({ ...pseudo, ...headers, ...more })
  let status: number | undefined
  let text = ''
  stream.setEncoding('utf8').on('error', () => {})
  stream.on('response', (reply) => {
    status = reply[':status']
  })
  stream.on('data', (piece: string) => {
    text += piece
  })
  stream.end(JSON.stringify(body))
  await new Promise((resolve) => stream.on('close', resolve))
  return { status, text, code: stream.rstCode }
}

describe('over TLS', () => {
  test('the site has a host name, and a certificate that clients can be told to trust', async () => {
    expect(emulator.url).toMatch(/^https:\/\/localhost:\d+$/)
    expect(emulator.certificate).toEqual({
      pem: expect.stringContaining('BEGIN CERTIFICATE'),
      spkiHash: expect.stringMatching(/^[\w+/]{43}=$/),
    })
    expect((await fetch(`${emulator.url}/api/moa_models_config`)).status).toBe(200)
  })

  test('it answers over HTTP/2, over HTTP/1.1, and over plain HTTP beside them', async () => {
    expect(await ask()).toMatchObject({ status: 200, code: 0, text: expect.stringContaining('FINISHED') })
    const reply = await fetch(`${emulator.url}/api/agent/ask_proxy`, {
      method: 'POST',
      headers: askHeaders,
      body: JSON.stringify(agentBody),
    })
    expect(await reply.text()).toContain('FINISHED')
    expect((await askAgent(emulator.plainUrl)).status).toBe(200)
    const seen = emulator.asks.map(({ httpVersion, origin }) => [httpVersion, origin])
    expect(seen).toEqual([
      ['2.0', emulator.url],
      ['1.1', emulator.url],
      ['1.1', emulator.plainUrl],
    ])
    expect(emulator.violations).toEqual([])
  })

  test('its own origin is that of TLS, and result files lie there', async () => {
    emulator.answerWith({ type: 'media' })
    await ask(agentImageBody, { Origin: emulator.url, Referer: `${emulator.url}/agents` })
    expect([...emulator.files.keys()][0]).toContain(`${emulator.url}/api/files/s/`)
    expect((await ask(agentBody, { Origin: emulator.plainUrl })).status).toBe(400)
    expect(emulator.violations).toEqual([`POST /api/agent/ask_proxy: Origin ${emulator.plainUrl}`])
  })

  test('a connection carries as many streams as it was told', async () => {
    await ask()
    expect(session.remoteSettings.maxConcurrentStreams).toBe(50)
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask()))
    expect(answers.every(({ status, text }) => status === 200 && text.includes('FINISHED'))).toBe(true)
  })
})

describe('cuts over HTTP/2', () => {
  const cut = (after: Cut['after'], how: Cut['how']) =>
    emulator.answerWith({ type: 'answer', cut: { after, how } })

  test.each([
    ['nothing', undefined],
    ['headers', 200],
    ['first-token', 200],
  ] as const)('a reset after %s ends the stream, and no other', async (after, status) => {
    emulator.answerWith(({ index }) =>
      index === 0 ? { type: 'answer', firstDelayMs: 100 } : { type: 'answer', cut: { after, how: 'reset' } },
    )
    const other = ask()
    await emulator.until(() => emulator.openAsks() === 1)
    const answer = await ask()
    expect([answer.status, answer.code]).toEqual([status, 2])
    expect(answer.text.includes('"delta"')).toBe(after === 'first-token')
    expect((await other).text).toContain('FINISHED')
    expect(emulator.asks.map(({ ended }) => ended)).toEqual(['whole', 'cut'])
  })

  test('a hang-up ends the connection', async () => {
    cut('first-token', 'hang-up')
    await ask()
    expect([session.destroyed, emulator.asks[0]?.ended]).toEqual([true, 'cut'])
  })

  test('a clean end looks whole', async () => {
    cut('headers', 'clean-end')
    expect(await ask()).toEqual({ status: 200, text: '', code: 0 })
  })

  test('a client that leaves one stream is noticed', async () => {
    emulator.answerWith({ type: 'answer', chunks: repeated('word ', Number.POSITIVE_INFINITY) })
    const stream = session.request({ ':method': 'POST', ':path': '/api/agent/ask_proxy', ...headers })
    stream.end(JSON.stringify(agentBody))
    await new Promise((resolve) => stream.once('data', resolve))
    stream.close(8)
    await emulator.until(() => emulator.openAsks() === 0)
    expect([emulator.asks[0]?.ended, emulator.openRequests()]).toEqual(['client-closed', 0])
    expect(emulator.violations).toEqual([])
  })

  test('a fault resets its stream alone', async () => {
    emulator.faults.set('POST /api/agent/ask_proxy', { reset: true, times: 1 })
    expect(await ask()).toEqual({ status: undefined, text: '', code: 2 })
    expect((await ask()).status).toBe(200)
  })
})
