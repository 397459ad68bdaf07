import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createBrowser, type TokenSourceOptions } from '../../src/browser/create-token-source.ts'
import { createAccount } from '../../src/core/account.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Logger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import type { Reply, ReplyRequest } from '../../src/core/open-reply.ts'
import { createRequestHeaders } from '../../src/upstream/request-headers.ts'
import { type EmulatorOptions, startEmulator } from '../emulator/emulator.ts'
import { agentBody, agentImageBody } from '../emulator/raw-request.ts'

// Real browsers on a busy machine: the limit only catches a hang.
vi.setConfig({ testTimeout: 120_000 })

async function startPages(emulated: EmulatorOptions = {}, overrides: Partial<TokenSourceOptions> = {}) {
  const emulator = await startEmulator({ challenge: 'clients', tokenCheck: 'off', ...emulated })
  const log: { readonly message: string; readonly [field: string]: unknown }[] = []
  const write: Logger['info'] = (fields, message) => log.push({ ...fields, message })
  const { tokens, pages } = createBrowser({
    recaptchaMode: 'embedded',
    transport: 'browser',
    baseUrl: emulator.url,
    tokenPrefetch: 0,
    tokenMaxAgeMs: 90_000,
    browserMaxPages: 4,
    clock: systemClock,
    random: () => 0,
    logger: { debug: write, info: write, warn: write, error: write },
    metrics: createMetrics(),
    browserArguments: [`--ignore-certificate-errors-spki-list=${emulator.certificate.spkiHash}`],
    ...overrides,
    limits: { openMs: 60_000, ...overrides.limits },
  })
  onTestFinished(async () => {
    await tokens.close()
    await emulator.close()
  })
  if (!pages) throw new Error('no pages')
  const open = async (request: Partial<ReplyRequest> & { path?: string } = {}): Promise<Reply> => {
    const reply = await pages.openReply({
      account: alice,
      method: 'GET',
      url: new URL(request.path ?? '/api/is_login', emulator.url),
      headers: { accept: 'application/json' },
      signal: new AbortController().signal,
      ...request,
    })
    if (!reply) throw new Error('no open page')
    return reply
  }
  const ask = (request: Partial<ReplyRequest> & { prompt?: string } = {}) =>
    open({
      path: '/api/agent/ask_proxy',
      method: 'POST',
      headers: createRequestHeaders('http://elsewhere').ask(alice, 'agent'),
      body: JSON.stringify(agentBody),
      ...request,
    })
  const pid = () => Number(log.findLast(({ message }) => message === 'Chromium is running')?.pid)
  return { emulator, tokens, pages, log, open, ask, pid }
}

const alice = createAccount('session_id=alice')

async function readAll(reply: Reply): Promise<string> {
  const reads: Uint8Array[] = []
  for (let bytes = await reply.read(); bytes; bytes = await reply.read()) reads.push(bytes)
  return Buffer.concat(reads).toString('utf8')
}

const deltasOf = (text: string): string =>
  Array.from(text.matchAll(/^data: ?(\{.*\})$/gm), ([, json = '']) => JSON.parse(json))
    .filter(({ type, field_name }) => type === 'message_field_delta' && field_name === 'content')
    .map(({ delta }) => delta)
    .join('')

describe.each([
  ['plain HTTP', false],
  ['HTTP/2 over TLS', true],
])('over %s', (_name, tls) => {
  test('a request is a fetch of the account’s page, and its answer comes as it is sent', async () => {
    const { emulator, ask } = await startPages({ tls })
    const held = Promise.withResolvers<void>()
    async function* chunks() {
      yield 'first '
      await held.promise
      yield 'last'
    }
    emulator.answerWith({ type: 'answer', chunks: chunks() })

    const reply = await ask()
    expect([reply.status, reply.headers['content-type']]).toEqual([
      200,
      expect.stringContaining('text/event-stream'),
    ])
    let text = ''
    while (!text.includes('first ')) text += Buffer.from((await reply.read()) ?? []).toString()
    held.resolve()
    text += await readAll(reply)

    expect(deltasOf(text)).toBe('first last')
    await emulator.until(() => emulator.openAsks() === 0)
    expect(emulator.asks[0]).toMatchObject({
      ended: 'whole',
      sessionId: 'alice',
      headers: {
        'request-id': expect.stringContaining('|'),
        'user-agent': expect.stringContaining('Chrome/'),
      },
      httpVersion: tls ? '2.0' : '1.1',
    })
    expect(emulator.violations).toEqual([])
  })

  test('a redirect is answered with its place, not followed', async () => {
    const { emulator, ask, open } = await startPages({ tls })
    emulator.answerWith({
      type: 'media',
      tasks: [{ place: 'redirect-elsewhere', bytes: Buffer.from('bytes') }],
    })
    await readAll(await ask({ body: JSON.stringify(agentImageBody) }))
    const url = [...emulator.files.keys()].findLast((key) => key.includes('/api/files/')) ?? ''

    const reply = await open({ url: new URL(url), headers: { accept: '*/*' } })

    expect(reply.status).toBe(302)
    expect(new URL(reply.headers.location ?? '').origin).not.toBe(emulator.url)
    expect(await readAll(reply)).toBe('')
  })
})
