import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { WireGeneration } from '../../../src/core/wire-generation.ts'
import type { UpstreamOptions } from '../../../src/upstream/client.ts'
import { asEvents, type Respond, type Site, send, sendEvents, startSite } from '../site.ts'
import { createTestUpstream, kindOf } from '../support.ts'
import { askMediaWhole, filesOf, imageRequest, videoRequest } from './support.ts'

let site: Site
let upstream: ReturnType<typeof createTestUpstream>

beforeEach(async () => {
  site = await startSite(() => undefined)
  upstream = createTestUpstream(site.url)
})

afterEach(async () => {
  await upstream.close()
  await site.close()
})

async function restart(options: Partial<UpstreamOptions>) {
  await upstream.close()
  upstream = createTestUpstream(site.url, options)
}

/** Answers each path in its own way; each further time by the next of a list, the last one again and again. */
function route(routes: Readonly<Record<string, Respond | readonly Respond[]>>) {
  const counts = new Map<string, number>()
  site.respond = (response, request) => {
    const path = request.path.replace(/\?.*/, '')
    const answers = [routes[path] ?? send(404, '')].flat()
    const count = counts.get(path) ?? 0
    counts.set(path, count + 1)
    return (answers[count] ?? answers.at(-1))?.(response, request)
  }
}

const copilotAsk = (...ids: string[]): Respond =>
  sendEvents(
    { id: '6f1c', type: 'project_start' },
    {
      id: 'b1',
      role: 'assistant',
      content: JSON.stringify({ generated_images: ids.map((task_id) => ({ task_id })) }),
      session_state: null,
      type: 'message_result',
    },
  )
const results = (...list: object[]) => ({
  id: 'P',
  field_name: 'image_generation_agent.results',
  field_value: list,
  type: 'project_field',
})
const finished = { id: 'P', field_name: 'status', field_value: 'FINISHED', type: 'project_field' }
const agentAsk: Respond = sendEvents(
  { id: 'P', type: 'project_start' },
  results({ task_id: 't-1' }),
  finished,
)
const ask = (generation: WireGeneration, request = imageRequest()) =>
  askMediaWhole(upstream, { generation, request })
const paths = () => site.requests.map(({ method, path }) => `${method} ${path}`)

test('4.9 a: each task by itself, until it is done', async () => {
  route({
    '/api/copilot/ask': copilotAsk('t-1'),
    '/api/spark/image_generation_task_status': [
      send(200, '{"data":{"status":"PENDING"}}'),
      send(200, '{"data":{"status":"SUCCESS","image_urls_nowatermark":["https://cdn.example/1.png"]}}'),
    ],
  })
  expect(filesOf(await ask('copilot'))).toEqual([{ url: 'https://cdn.example/1.png', needsCookie: false }])
  const status = 'GET /api/spark/image_generation_task_status?task_id=t-1'
  expect(paths()).toEqual(['POST /api/copilot/ask', 'POST /api/ig_tasks_status', status, status])
})

test('4.9 b: the sample of the specification', async () => {
  route({
    '/api/copilot/ask': copilotAsk('t-1', 't-2'),
    '/api/ig_tasks_status': send(
      200,
      `data: {"tasks": {"t-1": {"status": "PENDING"}}}

data: {"type": "TASKS_STATUS_COMPLETE", "final_status": {"t-1": {"status": "SUCCESS", "image_urls": ["https://cdn.example/1.png"]}, "t-2": {"status": "FAILED", "error_message": "No luck"}}}

`,
    ),
  })
  expect((await ask('copilot')).events).toEqual([
    { type: 'accepted', tasks: 2, projectId: '6f1c' },
    { type: 'progress', done: 2, tasks: 2 },
    {
      type: 'finished',
      files: [{ url: 'https://cdn.example/1.png', needsCookie: false }],
      failures: ['No luck'],
    },
  ])
  const [, poll] = site.requests
  expect(JSON.parse(poll?.body ?? '')).toEqual({ task_ids: ['t-1', 't-2'] })
  expect(poll?.headers).toMatchObject({ accept: '*/*', cookie: 'session_id=alice' })
})

test('4.9 b: a stream that ends without its last event is asked again, for what is still open', async () => {
  route({
    '/api/copilot/ask': copilotAsk('t-1', 't-2'),
    '/api/ig_tasks_status': [
      sendEvents({ tasks: { 't-1': { status: 'SUCCESS', image_urls: ['/api/files/s/1'] } } }),
      sendEvents({ type: 'TASKS_STATUS_COMPLETE', final_status: { 't-2': { status: 'WEIRD' } } }),
    ],
  })
  expect((await ask('copilot')).events.at(-1)).toEqual({
    type: 'finished',
    files: [{ url: `${site.url}/api/files/s/1`, needsCookie: true }],
    failures: ['status WEIRD'],
  })
  expect(site.requests.slice(1).map(({ body }) => JSON.parse(body).task_ids)).toEqual([
    ['t-1', 't-2'],
    ['t-2'],
  ])
})

test('4.9 b: a last event that leaves a task out ends it', async () => {
  route({
    '/api/copilot/ask': copilotAsk('t-1'),
    '/api/ig_tasks_status': sendEvents({ type: 'TASKS_STATUS_COMPLETE', final_status: {} }),
  })
  expect((await ask('copilot')).events.at(-1)).toMatchObject({ files: [], failures: ['status unknown'] })
})

test('5.6: the sample of the specification', async () => {
  route({
    '/api/agent/ask_proxy': agentAsk,
    '/api/spark/image_generation_task_detail': send(
      200,
      `{"status":0,"message":"success","data":{"id":"t-1","status":"SUCCESS","model":"gpt-image-2",
        "image_urls":["https://cdn.example/w.png"],"image_urls_nowatermark":["https://cdn.example/1.png"],
        "image_ratios":["1376/768"],"generation_options":{"width":1376,"height":768}}}`,
    ),
  })
  const outcome = await ask('agent')
  expect(outcome.events[0]).toEqual({ type: 'accepted', tasks: 1, projectId: 'P' })
  expect(filesOf(outcome)).toEqual([{ url: 'https://cdn.example/1.png', needsCookie: false }])
})

test.each(['FAILED', 'ERROR', 'failed', 'error', 'cancelled'])(
  '5.6: status %s is a failure',
  async (status) => {
    route({
      '/api/agent/ask_proxy': agentAsk,
      '/api/spark/image_generation_task_detail': send(
        200,
        JSON.stringify({ status: 0, data: { status, failed_reason: 'Blocked by policy' } }),
      ),
    })
    expect((await ask('agent')).events.at(-1)).toMatchObject({ failures: ['Blocked by policy'] })
  },
)

test('5.6: an answer that goes on and on after its tasks is left after a while', async () => {
  route({
    '/api/agent/ask_proxy': (response) =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .write(asEvents({ id: 'P', type: 'project_start' }, results({ task_id: 't-1' }))),
    '/api/spark/image_generation_task_detail': send(
      200,
      '{"data":{"status":"SUCCESS","image_urls":["/1.png"]}}',
    ),
  })
  expect(filesOf(await ask('agent'))).toHaveLength(1)
  await site.requests[0]?.closed
})

test('an answer that breaks before its tasks is a reset, one that breaks after them is not asked again', async () => {
  const broken =
    (...events: object[]): Respond =>
    (response) =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .write(asEvents(...events), () => response.socket?.resetAndDestroy())
  route({
    '/api/agent/ask_proxy': [broken({ id: 'P', type: 'project_start' }), broken(results({ task_id: 't-1' }))],
    '/api/spark/image_generation_task_detail': send(
      200,
      '{"data":{"status":"SUCCESS","image_urls":["/1.png"]}}',
    ),
  })
  const first = await ask('agent')
  expect([first.events, kindOf(first)]).toEqual([[], 'reset'])
  expect(filesOf(await ask('agent'))).toHaveLength(1)
  expect(paths().filter((path) => path.endsWith('ask_proxy'))).toHaveLength(2)
})

describe('the time for all of it', () => {
  test('is over while some files are there: they are told of, the rest has failed', async () => {
    await restart({ mediaTimeoutMs: 200 })
    route({
      '/api/copilot/ask': copilotAsk('t-1', 't-2'),
      '/api/ig_tasks_status': (response) =>
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write(asEvents({ tasks: { 't-1': { status: 'SUCCESS', image_urls: ['/1.png'] }, 't-2': {} } })),
    })
    expect((await ask('copilot')).events.at(-1)).toEqual({
      type: 'finished',
      files: [{ url: `${site.url}/1.png`, needsCookie: false }],
      failures: ['Genspark did not finish the answer in time.'],
    })
    await site.requests[1]?.closed
  })

  test('counts from the ask', async () => {
    await restart({ mediaTimeoutMs: 100 })
    expect(kindOf(await ask('agent'))).toBe('total-timeout')
    await site.requests[0]?.closed
  })
})

test('a poll that falls silent is left and made again', async () => {
  await restart({ idleTimeoutMs: 50, firstEventTimeoutMs: 5_000 })
  route({
    '/api/agent/ask_proxy': sendEvents({ task_id: 't-1' }, finished),
    '/api/vg_tasks_status': [
      (response) =>
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write(asEvents({ tasks: { 't-1': {} } })),
      sendEvents({
        type: 'TASKS_STATUS_COMPLETE',
        final_status: { 't-1': { status: 'SUCCESS', video_urls: ['/1.mp4'] } },
      }),
    ],
  })
  const { events } = await askMediaWhole(upstream, { request: videoRequest() })
  expect(events.at(-1)).toMatchObject({ files: [{ url: `${site.url}/1.mp4` }] })
})

test('a challenge while polling does not pass', async () => {
  route({
    '/api/copilot/ask': copilotAsk('t-1'),
    '/api/ig_tasks_status': send(403, '<!DOCTYPE html><html><title>Just a moment...</title></html>'),
  })
  expect(kindOf(await ask('copilot'))).toBe('challenged')
})

test('a tool call that names the file in its value, without a task', async () => {
  route({
    '/api/agent/ask_proxy': sendEvents(
      { id: 'P', type: 'project_start' },
      {
        message_id: 'M',
        field_name: 'tool_calls',
        field_value: [{ url: `${site.url}/api/files/s/abc` }],
        type: 'message_field',
      },
      finished,
    ),
  })
  expect(filesOf(await ask('agent'))).toEqual([{ url: `${site.url}/api/files/s/abc`, needsCookie: true }])
})

test('a model that is talked into another URL has made nothing', async () => {
  const content = '![x](http://169.254.169.254/a.png)'
  route({
    '/api/agent/ask_proxy': sendEvents(
      { id: 'P', type: 'project_start' },
      { message_id: 'M', message: { role: 'assistant', content }, type: 'message_result' },
      finished,
    ),
  })
  expect((await ask('agent')).events.at(-1)).toEqual({ type: 'finished', files: [], failures: [content] })
})
