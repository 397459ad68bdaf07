import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ImageRequest } from '../../../src/core/media-request.ts'
import { wireGenerations } from '../../../src/core/wire-generation.ts'
import { type Emulator, startEmulator } from '../../emulator/emulator.ts'
import type { MediaScenario, TaskPlan } from '../../emulator/media/media-scenario.ts'
import type { FailureId } from '../../emulator/scenario.ts'
import { failureKinds } from '../failure-kinds.ts'
import { createTestUpstream, kindOf, manualClock } from '../support.ts'
import { askMediaWhole, filesOf, imageRequest, type MediaOutcome, videoRequest } from './support.ts'

let emulator: Emulator
let upstream: ReturnType<typeof createTestUpstream>

beforeEach(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
  upstream = createTestUpstream(emulator.url)
})

afterEach(async () => {
  await upstream.close()
  await emulator.until(() => emulator.openAsks() === 0)
  await emulator.close()
  expect(emulator.violations).toEqual([])
})

const accepted = (tasks: number) => ({
  type: 'accepted',
  tasks,
  projectId: [...emulator.projects.keys()].at(-1),
})
const gone = { status: 404, body: '' }
const polled = () =>
  emulator.requests.map(({ path }) => path).filter((path) => /tasks?_(?:status|detail)/.test(path))
const asksSoFar = () => emulator.asks.length

describe.each(wireGenerations)('%s', (generation) => {
  const askWith = (scenario: Omit<MediaScenario, 'type'>, request: Partial<ImageRequest> = {}) => {
    emulator.answerWith({ type: 'media', ...scenario })
    return askMediaWhole(upstream, { generation, request: imageRequest(request) })
  }
  const video = (scenario: Omit<MediaScenario, 'type'> = {}) => {
    emulator.answerWith({ type: 'media', ...scenario })
    return askMediaWhole(upstream, { generation, request: videoRequest() })
  }

  test('an image is asked for, polled and told of, without its watermark and with who may load it', async () => {
    const outcome = await askWith({})
    const [task] = [...emulator.tasks.values()].slice(-1)
    expect(outcome.error).toBeUndefined()
    expect(outcome.events.map(({ type }) => type)).toEqual(['accepted', 'progress', 'finished'])
    expect(outcome.events[0]).toEqual(accepted(1))
    expect(filesOf(outcome)).toEqual([
      {
        url: task?.urls.image_urls_nowatermark?.[0],
        needsCookie: true,
        ...(generation === 'agent' && { revisedPrompt: 'rewritten: A red ball' }),
      },
    ])
  })

  test('several pictures are several tasks of one ask', async () => {
    const before = asksSoFar()
    const outcome = await askWith({}, { count: 3 })
    expect(asksSoFar()).toBe(before + 1)
    expect(outcome.events[0]).toEqual(accepted(3))
    expect(filesOf(outcome)).toHaveLength(3)
    expect(new Set(filesOf(outcome).map(({ url }) => url)).size).toBe(3)
  })

  test('a task that makes several pictures gives as many as were asked for', async () => {
    expect(filesOf(await askWith({ tasks: [{ files: 4 }] }, { count: 2 }))).toHaveLength(2)
  })

  test('a watermark is taken where there is nothing else; a public file needs no cookie', async () => {
    const outcome = await askWith({ tasks: [{ watermark: 'with', place: 'public' }] })
    expect(filesOf(outcome)).toMatchObject([{ needsCookie: false }])
  })

  test('what fails of several says why, beside the files', async () => {
    const outcome = await askWith({ tasks: [{}, { failure: 'Content policy' }, { failure: 'Too busy' }] })
    expect(outcome.events.at(-1)).toMatchObject({
      type: 'finished',
      files: [{ needsCookie: true }],
      failures: ['Content policy', 'Too busy'],
    })
  })

  test.each(['error_message', 'message', 'failed_reason', 'failure_reason'] as const)(
    'a failure speaks in %s',
    async (failureField) => {
      const outcome = await askWith({ tasks: [{ failure: 'Content policy', failureField }] })
      expect(outcome.events.at(-1)).toEqual({ type: 'finished', files: [], failures: ['Content policy'] })
    },
  )

  test('a task that the site does not know has failed, the others have not', async () => {
    const outcome = await askWith({ tasks: [{}, { lost: true }] })
    expect(filesOf(outcome)).toHaveLength(1)
    expect(outcome.events.at(-1)).toMatchObject({ failures: ['task not found'] })
  })

  test('one lost task is not asked for again and again', async () => {
    const outcome = await askWith({ tasks: [{ lost: true }] })
    expect(outcome.events.at(-1)).toEqual({ type: 'finished', files: [], failures: ['task not found'] })
  })

  test('a video is asked for and polled', async () => {
    const before = polled().length
    const outcome = await video()
    expect(outcome.error).toBeUndefined()
    expect(filesOf(outcome)).toMatchObject([{ needsCookie: true }])
    expect(new Set(polled().slice(before))).toEqual(new Set(['/api/vg_tasks_status']))
    expect(emulator.asks.at(-1)?.kind).toBe('video')
  })

  test('a picture to begin with goes along as it is', async () => {
    await askWith({}, { images: [{ type: 'image', mimeType: 'image/webp', base64: 'UklGRg==' }] })
    expect(JSON.stringify(emulator.asks.at(-1)?.body)).toContain('data:image/webp;base64,UklGRg==')
  })

  test.each(['every-byte', 'joined'] as const)(
    'answers and status streams split by %s are the same',
    async (split) => {
      expect(filesOf(await askWith({ split, polling: { split } }, { count: 2 }))).toHaveLength(2)
      expect(filesOf(await video({ split, polling: { split } }))).toHaveLength(1)
    },
  )

  test.each([
    ['a reset', { reset: true }],
    ['a 503', { status: 503, body: 'x' }],
    ['a 429', { status: 429, body: '' }],
    ['an empty reply', { status: 200, body: '' }],
  ])('%s while polling is asked again, the ask is not', async (_what, fault) => {
    const route =
      generation === 'agent' ? 'GET /api/spark/image_generation_task_detail' : 'POST /api/ig_tasks_status'
    emulator.faults.set(route, { ...fault, times: 3 })
    const before = asksSoFar()
    expect(filesOf(await askWith({}))).toHaveLength(1)
    expect(asksSoFar()).toBe(before + 1)
  })

  test('polls that fail for good end in their cause', async () => {
    for (const route of ['GET /api/spark/image_generation_task_detail', 'POST /api/ig_tasks_status'])
      emulator.faults.set(route, { reset: true })
    const outcome = await askWith({})
    expect(outcome.events).toEqual([accepted(1)])
    expect(kindOf(outcome)).toBe('reset')
  })

  test('a session that ends while polling is signed out', async () => {
    for (const route of ['GET /api/spark/image_generation_task_detail', 'POST /api/ig_tasks_status'])
      emulator.faults.set(route, { status: 401, body: { status: -5, message: 'not login', data: {} } })
    expect(kindOf(await askWith({}))).toBe('signed-out')
  })

  test('the other way of polling is taken where the first is gone', async () => {
    const [first, second] =
      generation === 'agent'
        ? ['GET /api/spark/image_generation_task_detail', '/api/ig_tasks_status']
        : ['POST /api/ig_tasks_status', '/api/spark/image_generation_task_status']
    emulator.faults.set(first ?? '', gone)
    expect(filesOf(await askWith({}, { count: 2 }))).toHaveLength(2)
    expect(polled().at(-1)).toBe(second)
    expect(upstream.generation()).toBe('agent')
  })

  test('no way of polling left is no verdict on the protocol', async () => {
    for (const name of ['image_generation_task_detail', 'image_generation_task_status'])
      emulator.faults.set(`GET /api/spark/${name}`, gone)
    emulator.faults.set('POST /api/ig_tasks_status', gone)
    expect(kindOf(await askWith({}))).toBe('unavailable')
    expect(upstream.generation()).toBe('agent')
  })

  const overdue: TaskPlan = { steps: Number.POSITIVE_INFINITY }

  test('MEDIA_TIMEOUT_S ends the wait for all', async () => {
    await upstream.close()
    upstream = createTestUpstream(emulator.url, { mediaTimeoutMs: 300 })
    for (const outcome of [await askWith({ tasks: [overdue], polling: { stepDelayMs: 20 } })]) {
      expect(outcome.events).toEqual([accepted(1)])
      expect(kindOf(outcome)).toBe('total-timeout')
    }
    expect(kindOf(await video({ tasks: [overdue], polling: { stepDelayMs: 20 } }))).toBe('total-timeout')
  })

  test('an abort while polling closes the connection and throws its own reason', async () => {
    emulator.answerWith({ type: 'media', tasks: [overdue], polling: { stepDelayMs: 20 } })
    const leave = new AbortController()
    const asked = askMediaWhole(upstream, { generation, request: videoRequest(), signal: leave.signal })
    const before = polled().length
    await emulator.until(() => polled().length > before)
    leave.abort()
    expect((await asked).error).toBe(leave.signal.reason)
  })

  // A12 is a chat's empty turn.
  const { A12: _, ...kinds } = failureKinds

  test.each(Object.entries(kinds))('%s is %s, for images and videos', async (failure, kind) => {
    emulator.answerWith({ type: 'failure', failure: failure as FailureId })
    for (const request of [imageRequest(), videoRequest()]) {
      const outcome: MediaOutcome = await askMediaWhole(createTestUpstream(emulator.url), {
        generation,
        request,
      })
      expect(outcome.events).toEqual([])
      expect(kindOf(outcome)).toBe(kind)
    }
  })

  describe.each(['F1', 'F2', 'F4', 'F5', 'A10', 'A11'] satisfies FailureId[])('F12: %s', (failure) => {
    test.each(['event', 'json', 'text'] as const)('as %s, however it is written', async (as) => {
      for (const options of [
        {},
        { spacing: 'compact' },
        { shuffleKeys: true, extraFields: { trace: 'x' } },
      ] as const) {
        emulator.answerWith({ type: 'failure', failure, as, ...options })
        expect(kindOf(await askMediaWhole(upstream, { generation, request: imageRequest() }))).toBe(
          kinds[failure],
        )
      }
    })
  })

  test('an answer in words is why there is no picture', async () => {
    emulator.answerWith({ type: 'answer', text: 'I will not draw a rate limit.' })
    const outcome = await askMediaWhole(upstream, { generation, request: imageRequest() })
    expect(outcome.events.at(-1)).toEqual({
      type: 'finished',
      files: [],
      failures: ['I will not draw a rate limit.'],
    })
  })
})

describe('where gen 2 tells of its tasks', () => {
  const ask = (scenario: Omit<MediaScenario, 'type'>, request: Partial<ImageRequest> = {}) => {
    emulator.answerWith({ type: 'media', ...scenario })
    return askMediaWhole(upstream, { request: imageRequest(request) })
  }

  test.each(['results', 'tool-call', 'task-object', 'task-ids', 'tasks'] as const)('%s', async (carrier) => {
    for (const eventType of ['project_field', 'message_field'] as const) {
      const outcome = await ask({ carrier, eventType }, { count: 2 })
      expect(outcome.events[0]?.type).toBe('accepted')
      expect(filesOf(outcome)).toHaveLength(2)
    }
  })

  test('content: the files that the words name, without a task', async () => {
    const outcome = await ask({ carrier: 'content' }, { count: 2 })
    expect(filesOf(outcome)).toEqual(
      [...emulator.tasks.values()].map(({ urls }) => ({ url: urls.image_urls?.[0], needsCookie: true })),
    )
    expect(polled()).toEqual([])
  })

  test.each(['early', 'late'] as const)(
    'files that come %s with the answer are not polled for',
    async (urls) => {
      const outcome = await ask({ urls })
      expect(filesOf(outcome)).toHaveLength(1)
      expect(polled()).toEqual([])
    },
  )

  test('an answer that goes on after its tasks is left, and they are polled for', async () => {
    emulator.answerWith({ type: 'media', urls: 'late', keepalives: 1, chunkDelayMs: 60_000 })
    expect(filesOf(await askMediaWhole(upstream, { request: imageRequest() }))).toHaveLength(1)
  })

  test('an answer that breaks after its tasks is not asked for again', async () => {
    const outcome = await ask({ withoutFinal: true })
    expect(filesOf(outcome)).toHaveLength(1)
    expect(emulator.asks).toHaveLength(1)
  })
})

describe('a limit event', () => {
  const ask = (scenario: Omit<MediaScenario, 'type'>) => {
    emulator.answerWith({ type: 'media', ...scenario })
    return askMediaWhole(upstream, { request: imageRequest() })
  }

  test('with a task is accepted all the same', async () => {
    expect(filesOf(await ask({ limit: 'reached' }))).toHaveLength(1)
  })

  test('without one is a spent quota until the time given', async () => {
    const outcome = await ask({ tasks: [], limit: 'reached', resetAt: 1_790_003_000 })
    expect(kindOf(outcome)).toBe('quota-spent')
    expect(outcome.error).toMatchObject({ resetAtMs: 1_790_003_000_000 })
  })

  test('that is only near is none beside a result, and a refusal without (FINDINGS U7)', async () => {
    expect(filesOf(await ask({ limit: 'approaching' }))).toHaveLength(1)
    expect(kindOf(await ask({ tasks: [], limit: 'approaching' }))).toBe('quota-spent')
  })

  test('that ends 90 minutes from now, whenever that is, is the wall of a bad token', async () => {
    const resetAt = manualClock().nowMs / 1000 + 90 * 60
    expect(kindOf(await ask({ tasks: [], limit: 'reached', resetAt }))).toBe('token-refused')
  })
})

test('no task without a token is the fault of the token, with one it is an empty answer', async () => {
  emulator.answerWith({ type: 'media', tasks: [] })
  const ask = (token?: string) =>
    askMediaWhole(upstream, {
      generation: 'copilot',
      request: imageRequest(),
      ...(token !== undefined && { token }),
    })
  expect(kindOf(await ask())).toBe('token-refused')
  expect(kindOf(await ask('token-1'))).toBe('empty')
})

test('GENSPARK_PROTOCOL=auto: a media ask finds the route gone, too', async () => {
  emulator.routes.agent = false
  expect(kindOf(await askMediaWhole(upstream, { request: imageRequest() }))).toBe('route-gone')
  expect(upstream.generation()).toBe('copilot')
})
