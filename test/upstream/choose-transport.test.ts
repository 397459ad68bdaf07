import { describe, expect, test, vi } from 'vitest'
import { type Account, createAccount, createApiKeyAccount } from '../../src/core/account.ts'
import { UpstreamError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { Reply, ReplyRequest } from '../../src/core/open-reply.ts'
import type { Store, StoredDocument } from '../../src/store/store.ts'
import { createTransport, type TransportOptions } from '../../src/upstream/choose-transport.ts'
import { manualClock } from './support.ts'

const alice = createAccount('session_id=alice')
const behindProxy = createAccount('session_id=bob', 'http://proxy.example:1')
const key = createApiKeyAccount('gsk-1')
const challenged = new UpstreamError('challenged')

function replyOf(status: number, headers: Reply['headers'], text: string): Reply {
  let rest: Uint8Array | undefined = Buffer.from(text)
  return {
    status,
    headers,
    async read() {
      const bytes = rest
      rest = undefined
      return bytes
    },
    close: vi.fn<() => void>(),
  }
}

const fine = () => replyOf(200, { 'content-type': 'application/json' }, '{}')
const mitigated = () => replyOf(403, { 'cf-mitigated': 'challenge' }, '<html>')
const page = (title: string) =>
  replyOf(403, { 'content-type': 'text/html' }, `<!doctype html><title>${title}</title>`)

/** Tells who carried each request. */
function start(options: Partial<TransportOptions> = {}) {
  const sent: string[] = []
  const clock = manualClock()
  let answer: () => Reply = fine
  const transport = createTransport(
    {
      baseUrl: 'https://site.example',
      transport: 'auto',
      openByPage: async () => {
        sent.push('page')
        return fine()
      },
      clock,
      logger: silentLogger,
      ...options,
    },
    async ({ url, account }) => {
      sent.push(account === undefined ? `direct ${url.pathname}` : 'direct')
      return answer()
    },
  )
  const open = (account: Account | undefined, request: Partial<ReplyRequest> = {}) =>
    transport.openReply({
      account,
      method: 'GET',
      url: new URL('https://site.example/api/is_login'),
      headers: {},
      signal: new AbortController().signal,
      ...request,
    })
  const answerWith = (reply: () => Reply) => {
    answer = reply
  }
  return { transport, open, sent, clock, answerWith }
}

describe('auto', () => {
  test.each([
    ['the header of a challenge', mitigated],
    ['the page of a challenge', () => page('Just a moment...')],
  ])(
    'sends a request through the page that was answered by %s, and all of the egress after it',
    async (_name, reply) => {
      const { open, sent, answerWith } = start()
      answerWith(reply)
      expect((await open(alice)).status).toBe(200)
      await open(createAccount('session_id=carol'), { method: 'POST' })
      await open(behindProxy, { method: 'POST' })
      expect(sent).toEqual(['direct', 'page', 'page', 'direct'])
    },
  )

  test('gives out whole what only looks like a challenge', async () => {
    const { open, sent, answerWith } = start()
    answerWith(() => page('Not allowed'))
    const reply = await open(alice)
    expect(Buffer.from((await reply.read()) ?? []).toString()).toContain('Not allowed')
    expect(await reply.read()).toBeUndefined()
    expect(sent).toEqual(['direct'])
  })

  test('has a challenged ask sent again, as its token is used up', async () => {
    const { transport, open, sent } = start()
    await open(alice, { method: 'POST' })
    expect(transport.judge(alice, challenged)).toMatchObject({ kind: 'challenged', askAgain: true })
    await open(alice, { method: 'POST' })
    expect(sent).toEqual(['direct', 'page'])
    const other = new UpstreamError('reset')
    expect(transport.judge(alice, other)).toBe(other)
  })

  test('leaves storage, other hosts and keys direct', async () => {
    const { transport, open, sent } = start()
    transport.judge(alice, challenged)
    await open(alice, { method: 'PUT' })
    await open(alice, { url: new URL('https://files.example/picture') })
    await open(key, { method: 'POST' })
    expect(sent).toEqual(['direct', 'direct', 'direct'])
    expect(transport.judge(key, challenged)).toBe(challenged)
  })

  test('looks again after an hour, in the background', async () => {
    const { transport, open, sent, clock, answerWith } = start()
    answerWith(mitigated)
    transport.judge(alice, challenged)
    clock.nowMs += 59 * 60_000
    await open(alice)
    expect(sent).toEqual(['page'])
    clock.nowMs += 2 * 60_000
    await open(alice)
    await vi.waitFor(() => expect(sent.toSorted()).toEqual(['direct', 'page', 'page']))
    sent.length = 0
    await open(alice)
    expect(sent).toEqual(['page'])

    clock.nowMs += 61 * 60_000
    answerWith(fine)
    sent.length = 0
    await open(alice)
    await vi.waitFor(async () => {
      sent.length = 0
      await open(alice)
      expect(sent).toEqual(['direct'])
    })
  })

  test('shares what it found with other replicas, and finds it again after a restart', async () => {
    const findings = memoryFindings()
    start({ findings }).transport.judge(alice, challenged)
    expect(JSON.stringify([...findings.documents])).not.toContain('proxy.example')
    const { open, sent } = start({ findings })
    await vi.waitFor(async () => {
      sent.length = 0
      await open(alice)
      expect(sent).toEqual(['page'])
    })
  })
})

test('browser sends everything of the site through the page, what no page can carry directly', async () => {
  const { open, sent } = start({ transport: 'browser' })
  await open(alice, { method: 'POST' })
  await open(alice, { method: 'PUT' })
  const none = start({ transport: 'browser', openByPage: async () => undefined })
  await none.open(undefined, { url: new URL('https://site.example/api/models_config') })
  expect([sent, none.sent]).toEqual([['page', 'direct'], ['direct /api/models_config']])
})

test.each([
  ['auto', true, 'neither this program nor the page'],
  ['browser', true, 'the page in its Chromium is not'],
  ['auto', false, 'GENSPARK_TRANSPORT=browser'],
  ['direct', false, 'GENSPARK_TRANSPORT=auto'],
] as const)('a challenge says what was tried (%s, a page: %s)', (transport, hasPage, words) => {
  const openByPage = hasPage ? async () => fine() : undefined
  const error = start({ transport, openByPage }).transport.judge(alice, challenged)
  expect(error).toMatchObject({
    message: expect.stringMatching(new RegExp(`^Detected Cloudflare Challenge Page: .*${words}`)),
    askAgain: hasPage,
  })
})

function memoryFindings(): NonNullable<TransportOptions['findings']> & {
  readonly documents: Map<string, StoredDocument>
} {
  const documents = new Map<string, StoredDocument>()
  return {
    documents,
    saveDocument: async (_kind, document) => void documents.set(document.id, document),
    listDocuments: async () => [...documents.values()],
    removeDocument: async (_kind, id) => documents.delete(id),
  } satisfies Pick<Store, 'saveDocument' | 'listDocuments' | 'removeDocument'> & { documents: unknown }
}
