import { describe, expect, it, onTestFinished } from 'vitest'
import type { AccountAdmin, AccountView } from '../../../src/accounts/account-admin.ts'
import { createRecords } from '../../../src/records/ring.ts'
import { chatBody, startApp } from '../support/start-app.ts'

interface Event {
  readonly id?: string
  readonly event?: string
  readonly data?: Record<string, unknown>
}

async function start() {
  const records = createRecords()
  const view: AccountView = {
    ...{ id: 'acc_00000001', kind: 'cookie', note: undefined, paused: false, source: 'added' },
    ...{ addedMs: undefined, proxy: undefined, renewedMs: undefined, endsMs: undefined, inFlight: 0 },
  }
  const views = [view]
  const accountAdmin = { list: () => Promise.resolve([...views]) } as unknown as AccountAdmin
  const app = await startApp({ env: { ADMIN_SECRET: 'adm' }, services: { records, accountAdmin } })

  async function open(query = '', headers: Record<string, string> = {}) {
    const closing = new AbortController()
    const response = await fetch(`${app.url}/admin/events${query}`, {
      headers: { authorization: 'Bearer adm', ...headers },
      signal: closing.signal,
    })
    onTestFinished(() => closing.abort())
    const events: Event[] = []
    const ended = response.body && readInto(events, response.body)
    const next = async (name: string) => {
      await expect.poll(() => events.some(({ event }) => event === name), { timeout: 5000 }).toBe(true)
      return events.find(({ event }) => event === name) as Event
    }
    return { response, events, next, ended, close: () => closing.abort() }
  }
  return { app, view, views, open, chat: async () => (await app.post(chatBody)).text() }
}

async function readInto(events: Event[], body: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const chunk of body) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s)))
        if (fields.event) events.push({ ...fields, data: JSON.parse(fields.data) })
      }
    }
  } catch {
    // The test has closed it.
  }
}

describe('GET /admin/events', () => {
  it('begins with a snapshot, and tells how things stand and which requests ended', async () => {
    const { open, chat } = await start()
    const { events, next, response } = await open()
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect((await next('overview')).data).toMatchObject({ verdict: { sentence_key: 'serving' } })
    expect(events[0]?.event).toBe('snapshot')
    await chat()
    const { data } = await next('request')
    expect(data).toMatchObject({ type: 'ended', object: 'request', outcome: 'ok' })
    expect(JSON.stringify(data)).not.toContain('Hi there')
  })

  it('tells of an account only what has changed', async () => {
    const { open, views, view } = await start()
    const { events, next } = await open('?topics=account,request')
    await next('snapshot')
    // Each look is compared with the one before: the first may not have been yet.
    let count = 0
    await expect
      .poll(
        () => {
          count += 1
          views[0] = { ...view, inFlight: count, note: 'Bob' }
          return events.some(({ event }) => event === 'account')
        },
        { timeout: 10_000, interval: 200 },
      )
      .toBe(true)
    const { data } = await next('account')
    expect(Object.keys(data ?? {})).not.toContain('source')
    expect(data).toMatchObject({ id: view.id, in_flight: expect.any(Number) })
    views.length = 0
    await expect.poll(() => events.some((each) => each.data?.removed === true), { timeout: 5000 }).toBe(true)
  })

  it('sends one who comes back what he missed, and a snapshot where that is not known', async () => {
    const { open, chat } = await start()
    const [first, other] = [await open('?topics=request'), await open('?topics=request')]
    await chat()
    const { id = '' } = await first.next('request')
    await other.next('request')
    first.close()
    await chat()
    await expect.poll(() => other.events.filter(({ event }) => event === 'request').length).toBe(2)
    const again = await open('?topics=request', { 'last-event-id': id })
    const missed = await again.next('request')
    expect(again.events).toEqual([missed])
    expect(Number(missed.id)).toBe(Number(id) + 1)
    const stranger = await open('?topics=request&last_event_id=1')
    await stranger.next('snapshot')
  })

  it('is four streams of an address at most', async () => {
    const { open } = await start()
    const streams = [await open(), await open(), await open(), await open()]
    expect((await open()).response.status).toBe(429)
    streams[0]?.close()
    await expect.poll(async () => (await open()).response.status).toBe(200)
  })

  it('ends when the service does', async () => {
    const { open, app } = await start()
    const { ended, next } = await open()
    await next('snapshot')
    app.startShutdown()
    await ended
  })

  it('refuses topics that there are not', async () => {
    const { open } = await start()
    expect((await open('?topics=odd')).response.status).toBe(400)
  })
})
