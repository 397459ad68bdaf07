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
import { repeated } from '../emulator/scenario.ts'
import { networkProcessOf, processTree } from './support.ts'

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

  test('20 streams on one account come whole and in order, with characters cut anywhere', async () => {
    const { emulator, ask } = await startPages({ tls })
    const words = Array.from({ length: 40 }, (_, index) => `${index}·读🙂 `)
    emulator.answerWith({ type: 'answer', chunks: words, chunkDelayMs: 2, split: 'every-byte' })
    // Over plain HTTP Chromium opens six connections a host.
    const texts = await Promise.all(Array.from({ length: 20 }, async () => readAll(await ask())))
    for (const text of texts) expect(deltasOf(text)).toBe(words.join(''))
    expect(emulator.violations).toEqual([])
  })

  test('8 accounts stream at once, on twice as many pages as BROWSER_MAX_PAGES, which is said once', async () => {
    const { emulator, ask, log } = await startPages({ tls })
    const held = Promise.withResolvers<void>()
    emulator.answerWith(() => ({ type: 'answer', chunks: heldBack('first ', held.promise, 'last') }))
    const accounts = Array.from({ length: 8 }, (_, index) => createAccount(`session_id=account-${index}`))
    const replies = await Promise.all(accounts.map((account) => ask({ account })))
    await emulator.until(() => emulator.openAsks() === 8)
    held.resolve()
    const texts = await Promise.all(replies.map(readAll))
    expect(texts.map(deltasOf)).toEqual(accounts.map(() => 'first last'))
    expect(log.filter(({ message }) => message.includes('BROWSER_MAX_PAGES'))).toHaveLength(1)
  })

  test('an answer of 1 MB is whole; for a reader that stops at most 256 KiB are taken in', async () => {
    const { emulator, ask, open } = await startPages({ tls })
    emulator.answerWith({ type: 'answer', chunks: ['x'.repeat(1 << 20)], closing: 'empty' })
    expect(deltasOf(await readAll(await ask()))).toHaveLength(1 << 20)

    const piece = 'y'.repeat(64 * 1024)
    emulator.answerWith({
      type: 'answer',
      chunks: repeated(piece, Number.POSITIVE_INFINITY),
      split: 'joined',
    })
    const reply = await ask()
    // The browser takes more than our reader does, so that more than the window has been sent when we look.
    await vi.waitFor(() => expect(emulator.asks.at(-1)?.bytesSent).toBeGreaterThan(1 << 20), {
      timeout: 60_000,
    })
    await readAll(await open())
    const first = (await reply.read())?.length ?? 0
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThanOrEqual(256 * 1024)
    reply.close()
    await emulator.until(() => emulator.openAsks() === 0)
  })

  test('leaving closes the request of the page: before the headers, after them, by the signal', async () => {
    const { emulator, ask, open } = await startPages({ tls })
    emulator.answerWith({ type: 'answer', keepalives: Number.POSITIVE_INFINITY, keepaliveDelayMs: 5 })
    const reply = await ask()
    await reply.read()
    reply.close()
    await emulator.until(() => emulator.openAsks() === 0)

    const leaving = new AbortController()
    const second = await ask({ signal: leaving.signal })
    await second.read()
    leaving.abort(new Error('left'))
    await expect(readAll(second)).rejects.toThrow('left')
    await emulator.until(() => emulator.openAsks() === 0)

    emulator.faults.set('GET /api/is_login', { hang: 'before-headers' })
    const early = new AbortController()
    const opening = open({ signal: early.signal })
    await emulator.until(() => emulator.openRequests() === 1)
    early.abort(new Error('gone'))
    await expect(opening).rejects.toThrow('gone')
    await emulator.until(() => emulator.openRequests() === 0)
    expect(emulator.asks.map(({ ended }) => ended)).toEqual(['client-closed', 'client-closed'])
  })

  test.each(['reset', 'hang-up'] as const)('an answer that breaks off by a %s is a reset', async (how) => {
    const { emulator, ask } = await startPages({ tls })
    emulator.answerWith({ type: 'answer', cut: { after: 'first-token', how } })
    await expect(ask().then(readAll)).rejects.toMatchObject({ kind: 'reset' })
    emulator.answerWith({ type: 'answer', text: 'Whole' })
    expect(deltasOf(await readAll(await ask()))).toBe('Whole')
  })
})

describe('a page that is lost', () => {
  const pieces = { type: 'answer', keepalives: Number.POSITIVE_INFINITY, keepaliveDelayMs: 5 } as const

  async function startStreams(overrides: Partial<TokenSourceOptions> = {}) {
    const bench = await startPages({ tls: true }, overrides)
    bench.emulator.answerWith(pieces)
    const replies = await Promise.all(Array.from({ length: 20 }, () => bench.ask()))
    const ends = Promise.all(replies.map((reply) => readAll(reply).catch((error: unknown) => error)))
    const expectRecovered = async () => {
      for (const error of await ends) expect(error).toMatchObject({ kind: 'reset' })
      await bench.emulator.until(() => bench.emulator.openAsks() === 0, 30_000)
      bench.emulator.answerWith({ type: 'answer', text: 'Whole' })
      expect(deltasOf(await readAll(await bench.ask()))).toBe('Whole')
    }
    return { ...bench, expectRecovered }
  }

  test('since Chromium was killed fails its streams, and the next request opens another (CASES D2)', async () => {
    const { pid, expectRecovered } = await startStreams()
    process.kill(-pid(), 'SIGKILL')
    await expectRecovered()
  })

  test('since Chromium was frozen fails its streams, and the next request opens another (CASES D3)', async () => {
    const { pid, expectRecovered } = await startStreams({ limits: { silenceMs: 300, answerMs: 1_000 } })
    process.kill(-pid(), 'SIGSTOP')
    await expectRecovered()
  })

  test('since its renderer was killed fails its streams, and the next request opens another', async () => {
    const { pid, expectRecovered } = await startStreams()
    const renderers = processTree(pid()).filter(({ command }) => command.includes('--type=renderer'))
    for (const renderer of renderers) process.kill(renderer.pid, 'SIGKILL')
    await expectRecovered()
  })

  test('FINDINGS X1: whose cookies went with the network process asks nothing, and another opens', async () => {
    const { emulator, ask, pid } = await startPages()
    await readAll(await ask())
    process.kill(networkProcessOf(pid()), 'SIGKILL')
    // What the page asks while that process dies is cut off, and is asked again by the service.
    const asked = async () => await readAll(await ask())
    await asked().catch((error) => (error.kind === 'reset' ? asked() : Promise.reject(error)))
    expect(emulator.asks.map(({ sessionId }) => sessionId)).toEqual(['alice', 'alice'])
  })

  test('whose opening hangs costs no stream of another account', async () => {
    const { emulator, ask } = await startPages({ tls: true })
    const held = Promise.withResolvers<void>()
    emulator.answerWith(() => ({ type: 'answer', chunks: heldBack('first ', held.promise, 'last') }))
    const mine = await ask()
    const bob = createAccount('session_id=bob')
    emulator.faults.set('GET /agents', { hang: 'before-headers' })
    const leaving = new AbortController()
    const theirs = ask({ account: bob, signal: leaving.signal })
    await emulator.until(() => emulator.openRequests() > 0)
    leaving.abort(new Error('left'))
    await expect(theirs).rejects.toThrow('left')
    held.resolve()
    expect(deltasOf(await readAll(mine))).toBe('first last')
  })
})

test('a page that does not open in time is a failure that says what it waited for', async () => {
  const { emulator, ask } = await startPages({}, { limits: { openMs: 8_000 } })
  emulator.faults.set('GET /agents', { hang: 'before-headers' })
  await expect(ask()).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/not open within 8 s; .*agents.* was loading/),
  })
  emulator.faults.clear()
  emulator.answerWith({ type: 'answer', text: 'Whole' })
  expect(deltasOf(await readAll(await ask()))).toBe('Whole')
})

test('where browsers are challenged too the request is told as challenged', async () => {
  const { ask } = await startPages({ challenge: 'all' }, { limits: { challengeMs: 300 } })
  await expect(ask()).rejects.toMatchObject({ kind: 'challenged' })
})

test('a mint that hangs costs no stream of the same account', async () => {
  const { emulator, tokens, ask } = await startPages({ tls: true }, { limits: { mintMs: 3_000 } })
  const held = Promise.withResolvers<void>()
  emulator.answerWith(() => ({ type: 'answer', chunks: heldBack('first ', held.promise, 'last') }))
  const reply = await ask()
  emulator.faults.set('GET /agents', { hang: 'before-headers' })
  const minting = tokens.token({ account: alice, generation: 'agent', signal: new AbortController().signal })
  await expect(minting).rejects.toMatchObject({ code: 'token_unavailable' })
  held.resolve()
  expect(deltasOf(await readAll(reply))).toBe('first last')
})

test('a mint that hangs has its page closed at once, while a stream of the same account goes on', async () => {
  const { emulator, tokens, ask } = await startPages({ tls: true }, { limits: { mintMs: 3_000 } })
  const held = Promise.withResolvers<void>()
  emulator.answerWith(() => ({ type: 'answer', chunks: heldBack('first ', held.promise, 'last') }))
  const reply = await ask()
  const mint = () =>
    tokens.token({ account: alice, generation: 'agent', signal: new AbortController().signal })
  expect(await mint()).toBeTruthy()
  emulator.recaptcha.behaviour.mintDelayMs = 600_000
  const minting = mint()
  minting.catch(() => {})
  const mints = () => emulator.recaptcha.requests.filter(({ path }) => path === '/recaptcha/mint').length
  await vi.waitFor(() => expect(mints()).toBe(2), { timeout: 60_000 })
  const during = emulator.openRequests()
  await expect(minting).rejects.toMatchObject({ code: 'token_unavailable' })
  await emulator.until(() => emulator.openRequests() < during)
  held.resolve()
  expect(deltasOf(await readAll(reply))).toBe('first last')
})

test('without an account a request goes by any open page, and by none before', async () => {
  const { emulator, pages, open } = await startPages()
  const request = {
    account: undefined,
    method: 'GET',
    url: new URL('/api/models_config', emulator.url),
    headers: { accept: 'application/json' },
    signal: new AbortController().signal,
  } as const
  expect(await pages.openReply(request)).toBeUndefined()
  await readAll(await open())
  const reply = await pages.openReply(request)
  expect(reply?.status).toBe(200)
  reply?.close()
})

async function* heldBack(first: string, until: Promise<void>, last: string) {
  yield first
  await until
  yield last
}
