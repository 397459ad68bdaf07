import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { wireGenerations } from '../../src/core/wire-generation.ts'
import type { UpstreamOptions } from '../../src/upstream/client.ts'
import { asEvents, type Respond, type Site, send, sendEvents, startSite } from './site.ts'
import {
  account,
  askInput,
  askWhole,
  createTestUpstream,
  fixture,
  fixtureText,
  kindOf,
  manualClock,
  textOf,
} from './support.ts'

let site: Site
const opened: ReturnType<typeof createTestUpstream>[] = []

beforeEach(async () => {
  site = await startSite(() => undefined)
})

afterEach(async () => {
  for (const upstream of opened.splice(0)) await upstream.close()
  await site.close()
})

function open(options: Partial<UpstreamOptions> = {}) {
  const upstream = createTestUpstream(site.url, options)
  opened.push(upstream)
  return upstream
}

const head = { 'content-type': 'text/event-stream' }
const start = { id: 'p-1', type: 'project_start' }
const delta = (text: string) => ({
  message_id: 'M',
  field_name: 'content',
  delta: text,
  type: 'message_field_delta',
})
const keepalive = { type: 'agent_notification', notification: 'keepalive' }
const finished = { field_name: 'status', field_value: 'FINISHED', type: 'project_field' }

/** Writes as fast as the client reads, until it is gone. */
const endless =
  (first: readonly object[], event: object): Respond =>
  async (response, { closed }) => {
    let open = true
    void closed.then(() => {
      open = false
    })
    response.writeHead(200, head).write(asEvents(...first))
    while (open) {
      response.write(asEvents(event))
      await new Promise(setImmediate)
    }
  }

describe.each(wireGenerations)('%s', (generation) => {
  test('asks with the headers of the page and decodes the answer', async () => {
    const wire = await fixture(`${generation}-plain.sse`)
    site.respond = (response) => response.writeHead(200, head).end(wire)
    const upstream = open()
    const outcome = await askWhole(upstream, { generation, token: 'token-1' })
    expect(outcome.error).toBeUndefined()
    expect(textOf(outcome)).toBe(fixtureText)
    const [request] = site.requests
    expect(request?.path).toBe({ copilot: '/api/copilot/ask', agent: '/api/agent/ask_proxy' }[generation])
    expect(request?.headers).toMatchObject({
      accept: 'text/event-stream',
      'content-type': 'application/json',
      cookie: 'session_id=alice',
      origin: site.url,
      referer: `${site.url}${{ copilot: '/', agent: '/agents?type=ai_chat' }[generation]}`,
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) genspark2api/1.0',
    })
    expect(request?.headers['accept-encoding']).toBeUndefined()
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ g_recaptcha_token: 'token-1' })
  })

  test('F5: bytes that come one by one are the same answer', async () => {
    const bytes = Buffer.from(await fixture(`${generation}-plain.sse`))
    site.respond = async (response) => {
      response.writeHead(200, head)
      for (const byte of bytes)
        response.write(Buffer.of(byte)) || (await new Promise((done) => response.once('drain', done)))
      response.end()
    }
    expect(textOf(await askWhole(open(), { generation }))).toBe(fixtureText)
  })

  test('F2: a reset before the first byte is a reset', async () => {
    site.respond = (response) => response.socket?.resetAndDestroy()
    expect(kindOf(await askWhole(open(), { generation }))).toBe('reset')
  })

  test('F2: a reset after the headers is a reset', async () => {
    site.respond = (response) => {
      response.writeHead(200, head).flushHeaders()
      setImmediate(() => response.socket?.resetAndDestroy())
    }
    expect(kindOf(await askWhole(open(), { generation }))).toBe('reset')
  })

  test('F4: a clean end without any event is empty', async () => {
    site.respond = (response) => response.writeHead(200, head).end()
    expect(kindOf(await askWhole(open(), { generation }))).toBe('empty')
  })
})

test('only the agent protocol has the trace headers, both of one trace', async () => {
  site.respond = sendEvents(delta('a'), finished)
  const upstream = open()
  await askWhole(upstream, { generation: 'agent' })
  await askWhole(upstream, { generation: 'copilot' })
  const [agent, copilot] = site.requests
  const [, trace, span] = /^\|([\da-f]{32})\.([\da-f]{16})$/.exec(String(agent?.headers['request-id'])) ?? []
  expect(agent?.headers.traceparent).toBe(`00-${trace}-${span}-01`)
  expect(copilot?.headers['request-id']).toBeUndefined()
})

test('F3: a reset after the first token is thrown after it', async () => {
  site.respond = (response) => {
    response
      .writeHead(200, head)
      .write(asEvents(start, delta('Hel')), () => response.socket?.resetAndDestroy())
  }
  const outcome = await askWhole(open())
  expect(textOf(outcome)).toBe('Hel')
  expect(kindOf(outcome)).toBe('reset')
})

test('F7: an event of 10 MB is refused', async () => {
  site.respond = sendEvents(start, delta('x'.repeat(10 * 1024 * 1024)), finished)
  expect(kindOf(await askWhole(open()))).toBe('event-too-large')
})

test('F8: tokens without end are an answer of that length at the total cap', async () => {
  site.respond = endless([start], delta('again '))
  const outcome = await askWhole(open({ totalTimeoutMs: 500 }))
  expect(outcome.error).toBeUndefined()
  expect(textOf(outcome)).toMatch(/^(again )+$/)
  expect(outcome.events.at(-1)).toEqual({ type: 'finished', reason: 'length' })
  await site.requests[0]?.closed
})

test.each([
  ['before the first token', [start]],
  ['after it', [start, delta('a')]],
])('F8: keepalives without end %s end at the idle cap', async (_when, first) => {
  site.respond = endless(first, keepalive)
  expect(kindOf(await askWhole(open({ idleTimeoutMs: 100 })))).toBe('idle-timeout')
  await site.requests[0]?.closed
})

test.each([
  ['headers', () => undefined],
  ['events', (response) => response.writeHead(200, head).flushHeaders()],
  ['body', (response) => response.writeHead(429).flushHeaders()],
] satisfies [string, Respond][])(
  'a site that sends no %s runs into the first deadline',
  async (_what, respond) => {
    site.respond = respond
    expect(kindOf(await askWhole(open({ firstEventTimeoutMs: 100 })))).toBe('first-event-timeout')
    await site.requests[0]?.closed
  },
)

test('keepalives alone do not count as the first event', async () => {
  const keepalive = { type: 'agent_notification', notification: 'keepalive' }
  site.respond = endless([], keepalive)
  expect(kindOf(await askWhole(open({ firstEventTimeoutMs: 100 })))).toBe('first-event-timeout')
})

test('FINDINGS U3: a model may think for as long as the site says anything', async () => {
  site.respond = endless([start], { type: 'agent_step', step: 1 })
  const limits = { firstEventTimeoutMs: 100, idleTimeoutMs: 5000, totalTimeoutMs: 600 }
  expect(kindOf(await askWhole(open(limits)))).toBe('total-timeout')
})

test('nothing at all until the total cap is a failure', async () => {
  site.respond = () => undefined
  expect(kindOf(await askWhole(open({ totalTimeoutMs: 100 })))).toBe('total-timeout')
})

test('a whole answer whose connection lingers is finished all the same', async () => {
  site.respond = (response) => response.writeHead(200, head).write(asEvents(start, delta('a'), finished))
  const outcome = await askWhole(open())
  expect(outcome.error).toBeUndefined()
  expect(outcome.events.at(-1)).toEqual({ type: 'finished', reason: 'stop' })
  await site.requests[0]?.closed
})

test('a whole answer whose connection then breaks is whole', async () => {
  site.respond = (response) => {
    response
      .writeHead(200, head)
      .write(asEvents(start, delta('a'), finished), () => response.socket?.resetAndDestroy())
  }
  expect((await askWhole(open())).error).toBeUndefined()
})

test('C2: an abort closes the request at once and throws its own reason', async () => {
  site.respond = (response) => response.writeHead(200, head).write(asEvents(start, delta('a')))
  const leave = new AbortController()
  const reason = new Error('client left')
  const asked = open()
    .ask(askInput({ signal: leave.signal }))
    [Symbol.asyncIterator]()
  await asked.next()
  const next = asked.next()
  leave.abort(reason)
  await expect(next).rejects.toBe(reason)
  await site.requests[0]?.closed
})

test('C2: an abort closes the request while nobody pulls, and before the headers', async () => {
  site.respond = (response, { path }) => {
    if (path.includes('copilot')) response.writeHead(200, head).write(asEvents(start))
  }
  const upstream = open()
  const leave = new AbortController()
  const held = upstream.ask(askInput({ generation: 'copilot', signal: leave.signal }))[Symbol.asyncIterator]()
  await held.next()
  const waiting = askWhole(upstream, { signal: leave.signal })
  await expect.poll(() => site.requests.length).toBe(2)
  leave.abort()
  await Promise.all(site.requests.map((request) => request.closed))
  expect((await waiting).error).toBe(leave.signal.reason)
  await expect(held.next()).rejects.toBe(leave.signal.reason)
})

test('an ask that is aborted before it begins asks nothing', async () => {
  const outcome = await askWhole(open(), { signal: AbortSignal.abort() })
  expect(outcome.error).toMatchObject({ name: 'AbortError' })
  expect(site.requests).toEqual([])
})

test('leaving the iteration closes the request', async () => {
  site.respond = (response) => response.writeHead(200, head).write(asEvents(start, delta('a')))
  for await (const _batch of open().ask(askInput())) break
  await site.requests[0]?.closed
})

test('C3: a reader that does not pull is not sent more than a few buffers', async () => {
  const total = 200 * 1024 * 1024
  let written = 0
  site.respond = async (response, { path }) => {
    if (path.includes('copilot')) return response.writeHead(200, head).end()
    response.writeHead(200, head).write(asEvents(start, delta('a')))
    const event = asEvents(delta('x'.repeat(65_536)))
    for (; written < total; written += event.length) {
      if (!response.write(event)) await new Promise((resolve) => response.once('drain', resolve))
    }
  }
  const upstream = open()
  const asked = upstream.ask(askInput())[Symbol.asyncIterator]()
  await asked.next()
  // Twenty other asks come and go without a byte more being taken.
  let before: number
  do {
    before = written
    for (let count = 0; count < 20; count += 1) await askWhole(upstream, { generation: 'copilot' })
  } while (written !== before)
  expect(written).toBeLessThan(total)
  await asked.return?.()
})

test('connections are kept for the next ask', async () => {
  site.respond = sendEvents(start, delta('a'), finished)
  const upstream = open()
  for (let count = 0; count < 5; count += 1) await askWhole(upstream)
  expect(site.sockets()).toBe(1)
})

test('redirects are not followed', async () => {
  site.respond = send(302, '', { location: '/elsewhere' })
  expect(kindOf(await askWhole(open()))).toBe('malformed')
  expect(site.requests).toHaveLength(1)
})

test('a site that cannot be reached is unavailable', async () => {
  const elsewhere = await startSite(() => undefined)
  await elsewhere.close()
  const upstream = createTestUpstream(elsewhere.url)
  expect(kindOf(await askWhole(upstream))).toBe('unavailable')
  await upstream.close()
})

test('G1: an error of the connection knows nothing of the request', async () => {
  site.respond = (response) => response.socket?.resetAndDestroy()
  const upstream = open()
  const reset = await askWhole(upstream, { token: 'token-1' })
  await site.close()
  const refused = await askWhole(upstream, { token: 'token-1' })
  for (const { error } of [reset, refused]) {
    expect(kindOf({ error })).toMatch(/reset|unavailable/)
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/session_id|token-1/)
  }
})

test('F15: unknown events are counted by generation', async () => {
  site.respond = sendEvents(start, { type: 'weather' }, delta('a'), finished)
  const upstream = open()
  await askWhole(upstream)
  expect((await upstream.metrics.unknownEvents.get()).values).toEqual([
    { labels: { generation: 'agent' }, value: 1 },
  ])
})

describe('GENSPARK_PROTOCOL=auto', () => {
  const hour = 60 * 60 * 1000

  test('begins with agent, turns to copilot when that route is gone, and remembers it for an hour', async () => {
    const clock = manualClock()
    const upstream = open({ clock })
    expect(upstream.generation()).toBe('agent')
    site.respond = send(404, '')
    expect(kindOf(await askWhole(upstream))).toBe('route-gone')
    expect(upstream.generation()).toBe('copilot')
    clock.nowMs += hour - 1
    expect(upstream.generation()).toBe('copilot')
    clock.nowMs += 1
    expect(upstream.generation()).toBe('agent')
  })

  test('turns back to agent when copilot is gone', async () => {
    const clock = manualClock()
    const upstream = open({ clock })
    site.respond = send(405, '')
    await askWhole(upstream)
    clock.nowMs += hour
    expect(kindOf(await askWhole(upstream, { generation: 'copilot' }))).toBe('route-gone')
    expect(upstream.generation()).toBe('agent')
  })

  test('an answer begun before the route was gone does not bring it back', async () => {
    const upstream = open()
    site.respond = (response) => response.writeHead(200, head).write(asEvents(start, delta('a')))
    const answer = upstream.ask(askInput())[Symbol.asyncIterator]()
    await answer.next()
    const earlier = site.requests[0]?.response
    site.respond = send(404, '')
    expect(kindOf(await askWhole(upstream))).toBe('route-gone')
    earlier?.write(asEvents(delta('b')))
    await answer.next()
    expect(upstream.generation()).toBe('copilot')
    earlier?.end(asEvents(finished))
    while (!(await answer.next()).done);
  })

  test('says so when both are gone, and recovers with the first answer', async () => {
    const upstream = open()
    site.respond = send(200, 'This feature has been retired. Please use AI Chat.')
    await askWhole(upstream)
    const both = await askWhole(upstream, { generation: 'copilot' })
    expect(kindOf(both)).toBe('unavailable')
    expect(String(both.error)).toContain('GENSPARK_PROTOCOL')
    site.respond = sendEvents(start, delta('a'), finished)
    expect((await askWhole(upstream)).error).toBeUndefined()
    site.respond = send(410, '')
    expect(kindOf(await askWhole(upstream, { generation: 'copilot' }))).toBe('route-gone')
  })
})

test('a fixed protocol whose route is gone names the setting', async () => {
  site.respond = send(404, '')
  const upstream = open({ protocol: 'copilot' })
  const outcome = await askWhole(upstream, { generation: 'copilot' })
  expect(upstream.generation()).toBe('copilot')
  expect(kindOf(outcome)).toBe('unavailable')
  expect(String(outcome.error)).toContain('GENSPARK_PROTOCOL')
})

describe('checkLogin', () => {
  const signal = new AbortController().signal

  test.each([
    ['signed-in', 200, '{"status":0,"message":"ok","data":{"is_login":true,"cogen_id":"c"}}'],
    ['signed-out', 200, '{"status":0,"message":"ok","data":{"is_login":false}}'],
    ['signed-out', 200, '{"status":-5,"message":"user not found"}'],
    ['signed-out', 401, ''],
  ])('%s for %i %s', async (state, status, body) => {
    site.respond = send(status, body)
    expect(await open().checkLogin(account, signal)).toBe(state)
    expect(site.requests[0]).toMatchObject({ method: 'GET', path: '/api/is_login' })
    expect(site.requests[0]?.headers.cookie).toBe('session_id=alice')
  })

  test('throws when the site cannot say', async () => {
    site.respond = send(403, await fixture('cloudflare-challenge.html'))
    await expect(open().checkLogin(account, signal)).rejects.toMatchObject({ kind: 'challenged' })
    site.respond = send(200, '{}')
    await expect(open().checkLogin(account, signal)).rejects.toMatchObject({ kind: 'malformed' })
  })

  test('throws the reason of its abort', async () => {
    const leave = new AbortController()
    const check = open().checkLogin(account, leave.signal)
    leave.abort()
    await expect(check).rejects.toBe(leave.signal.reason)
  })
})

test('FINDINGS X17: a failure whose body never ends is one all the same', async () => {
  site.respond = (response) => void response.writeHead(500).write('Internal')
  expect(kindOf(await askWhole(open()))).toBe('unavailable')
})
