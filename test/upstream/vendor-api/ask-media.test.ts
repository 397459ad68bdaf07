import { expect, onTestFinished, test, vi } from 'vitest'
import { send } from '../site.ts'
import { kindOf } from '../support.ts'
import {
  imageRequest,
  keyAccount,
  makeWhole,
  startVendorEmulator,
  startVendorSite,
  videoRequest,
} from './vendor-site.ts'

const line = (object: object): string => `${JSON.stringify(object)}\n`
const heartbeat = line({ version: 1, heartbeat: 1 })
const picture = (id: string) => ({
  task_id: id,
  status: 'SUCCESS',
  image_urls: [`https://cdn.test/${id}-marked.png`],
  image_urls_nowatermark: [`https://cdn.test/${id}.png`],
})
const ok = (data: object): string => line({ status: 'ok', message: 'success', data })

test('a picture is made by the image tool, with the key alone', async () => {
  const { emulator, upstream } = await startVendorEmulator()
  const { events, error } = await makeWhole(upstream, imageRequest())
  expect(error).toBeUndefined()
  expect(events[0]).toEqual({ type: 'accepted', tasks: 1 })
  expect(events.at(-1)).toMatchObject({
    type: 'finished',
    files: [{ url: expect.any(String) }],
    failures: [],
  })
  expect(emulator.vendor.asks[0]).toMatchObject({
    tool: 'image_generation',
    apiKey: 'gsk-canary-1',
    body: { query: 'a red fox', model: 'nano-banana-2', aspect_ratio: '16:9' },
  })
  expect(emulator.violations).toEqual([])
})

test('a video is made by the video tool, with the model id of gen 2 and its length in seconds', async () => {
  const { emulator, upstream } = await startVendorEmulator()
  const { events, error } = await makeWhole(upstream, videoRequest())
  expect(error).toBeUndefined()
  expect(events.at(-1)).toMatchObject({ type: 'finished', files: [{ url: expect.any(String) }] })
  expect(emulator.vendor.asks[0]).toMatchObject({
    tool: 'video_generation',
    body: { query: 'a fox runs', model: 'kling/v3', aspect_ratio: '9:16', duration: 5 },
  })
})

test('the last line may come cut in pieces, and the file without watermark is the one', async () => {
  const whole = heartbeat + heartbeat + ok({ generated_images: [picture('t-1')] })
  const { upstream } = await startVendorSite(async (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    for (const byte of Buffer.from(whole)) {
      response.write(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    response.end()
  })
  const { events } = await makeWhole(upstream, imageRequest())
  expect(events).toEqual([
    { type: 'accepted', tasks: 1 },
    { type: 'progress', done: 1, tasks: 1 },
    {
      type: 'finished',
      files: [{ url: 'https://cdn.test/t-1.png', needsCookie: false }],
      failures: [],
    },
  ])
})

test('as many pictures as wanted are as many calls; one that fails does not spoil the others', async () => {
  let calls = 0
  const { upstream } = await startVendorSite((response) => {
    calls += 1
    const last =
      calls === 2
        ? line({ status: 'error', message: 'the prompt was refused', data: null })
        : ok({ generated_images: [picture(`t-${calls}`)] })
    response.writeHead(200).end(heartbeat + last)
  })
  const { events } = await makeWhole(upstream, imageRequest({ count: 3 }))
  expect(events[0]).toEqual({ type: 'accepted', tasks: 3 })
  expect(events.at(-1)).toEqual({
    type: 'finished',
    files: [
      { url: 'https://cdn.test/t-1.png', needsCookie: false },
      { url: 'https://cdn.test/t-3.png', needsCookie: false },
    ],
    failures: ['the prompt was refused'],
  })
})

test('pictures go along where the key has no uploads', async () => {
  let calls = 0
  const { site, upstream } = await startVendorSite((response) => {
    calls += 1
    if (calls === 1) response.writeHead(404).end('{"detail":"Not Found"}')
    else response.writeHead(200).end(heartbeat + ok({ generated_images: [picture('t-1')] }))
  })
  const images = [{ type: 'image', mimeType: 'image/png', base64: 'aW1n' } as const]
  expect((await makeWhole(upstream, imageRequest({ images }))).error).toBeUndefined()
  expect(JSON.parse(site.requests[1]?.body ?? '')).toMatchObject({
    image_urls: ['data:image/png;base64,aW1n'],
  })
})

test('tasks that are named without files are polled with the key', async () => {
  const { site, upstream } = await startVendorSite((response, { path }) => {
    if (path === '/api/tool_cli/video_generation')
      return response.writeHead(200).end(ok({ generated_videos: [{ task_id: 'v-1', status: 'PENDING' }] }))
    const final_status = { 'v-1': { status: 'SUCCESS', video_urls: ['https://cdn.test/v-1.mp4'] } }
    const event = { type: 'TASKS_STATUS_COMPLETE', final_status }
    return response.writeHead(200).end(`data: ${JSON.stringify(event)}\n\n`)
  })
  const { events } = await makeWhole(upstream, videoRequest())
  expect(events.at(-1)).toMatchObject({ files: [{ url: 'https://cdn.test/v-1.mp4' }], failures: [] })
  expect(site.requests[1]).toMatchObject({
    path: '/api/vg_tasks_status',
    headers: { 'x-api-key': 'gsk-canary-1' },
    body: '{"task_ids":["v-1"]}',
  })
  expect(site.requests[1]?.headers).not.toHaveProperty('cookie')
})

test.each([
  [
    'a key without credits',
    send(200, heartbeat + line({ status: 'error', message: "You've run out of credits." })),
    'quota-spent',
  ],
  [
    'a notice that is no line of JSON',
    send(200, 'Your Genspark credits have been exhausted.'),
    'quota-spent',
  ],
  ['a refused key', send(401, '{"status":"error","message":"Invalid API key"}'), 'signed-out'],
  ['too many calls', send(429, ''), 'rate-limited'],
  ['a tool that is not there', send(404, ''), 'malformed'],
  ['a service that is away', send(503, ''), 'unavailable'],
  ['nothing', send(200, ''), 'empty'],
  ['heartbeats and no last line', send(200, heartbeat), 'reset'],
])(
  '%s is a failure before anything is accepted, and no further call is made',
  async (_what, respond, kind) => {
    const { site, upstream } = await startVendorSite(respond)
    const outcome = await makeWhole(upstream, imageRequest({ count: 4 }))
    expect(kindOf(outcome)).toBe(kind)
    expect(outcome.events).toEqual([])
    expect(site.requests).toHaveLength(1)
  },
)

test('a tool that still beats after three seconds has taken the work on', async () => {
  let nowMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => {
    nowMs += 2_000
    return nowMs
  })
  onTestFinished(() => void vi.restoreAllMocks())
  const { site, upstream } = await startVendorSite(
    (response) => void response.writeHead(200).write(heartbeat + heartbeat),
  )
  const { signal } = new AbortController()
  const request = imageRequest()
  const asked = upstream.askMedia({ generation: 'agent', account: keyAccount, request, signal })
  const events = asked[Symbol.asyncIterator]()
  expect((await events.next()).value).toEqual({ type: 'accepted', tasks: 1 })
  expect(site.requests[0]?.response.writableEnded).toBe(false)
  site.requests[0]?.response.end(line({ status: 'error', message: "You've run out of credits." }))
  await events.next()
  await expect(events.next()).rejects.toMatchObject({ kind: 'quota-spent' })
})

test('work that takes too long is given up and its request closed', async () => {
  const { emulator, upstream } = await startVendorEmulator({ mediaTimeoutMs: 100 })
  emulator.vendor.script = { type: 'tool', heartbeats: Number.POSITIVE_INFINITY, heartbeatDelayMs: 10 }
  expect(kindOf(await makeWhole(upstream, imageRequest()))).toBe('total-timeout')
  await emulator.until(() => emulator.vendor.asks[0]?.ended === 'client-closed')
})

test('a caller that leaves closes the request', async () => {
  const { site, upstream } = await startVendorSite(
    (response) => void response.writeHead(200).write(heartbeat),
  )
  const controller = new AbortController()
  const making = makeWhole(upstream, imageRequest(), controller.signal)
  await expect.poll(() => site.requests.length).toBe(1)
  const reason = new Error('the client left')
  controller.abort(reason)
  expect((await making).error).toBe(reason)
  await site.requests[0]?.closed
})

test('a line without end is cut off', async () => {
  const { upstream } = await startVendorSite(send(200, 'x'.repeat(3 * 1024 * 1024)))
  expect(kindOf(await makeWhole(upstream, imageRequest()))).toBe('event-too-large')
})

test('the profile tells whether a key is good and what is left', async () => {
  const { site, upstream } = await startVendorSite(
    send(200, '{"email":"a@b.test","plan":"plus","credit_balance":1270.85}'),
  )
  const { signal } = new AbortController()
  expect(await upstream.checkLogin(keyAccount, signal)).toBe('signed-in')
  expect(await upstream.quota(keyAccount, signal)).toEqual({ remaining: 1270.85, limit: undefined })
  expect(site.requests[0]).toMatchObject({
    method: 'GET',
    path: '/api/tool_cli/me',
    headers: { 'x-api-key': 'gsk-canary-1' },
  })
  for (const status of [401, 403]) {
    site.respond = send(status, '{"message":"no"}')
    expect(await upstream.checkLogin(keyAccount, signal)).toBe('signed-out')
  }
  site.respond = send(503, '')
  await expect(upstream.checkLogin(keyAccount, signal)).rejects.toMatchObject({ kind: 'unavailable' })
})

test.each([
  ['of a later version', line({ version: 2, status: 'error', message: 'what is this' })],
  ['without JSON', 'ping\n: comment\n'],
])('skips lines %s', async (_, odd) => {
  const whole = odd + heartbeat + odd + ok({ generated_images: [picture('t-1')] })
  const { upstream } = await startVendorSite(send(200, whole, { 'content-type': 'application/x-ndjson' }))
  const { events, error } = await makeWhole(upstream, imageRequest())
  expect(error).toBeUndefined()
  expect(events.at(-1)).toMatchObject({ files: [{ url: 'https://cdn.test/t-1.png' }] })
})
