import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../emulator.ts'
import {
  agentImageBody,
  agentVideoBody,
  askAgent,
  askHeaders,
  type RawReply,
  rawRequest,
} from '../raw-request.ts'
import { readEvents, readJson } from '../read-events.ts'
import type { MediaScenario } from './media-scenario.ts'
import type { MediaTask } from './tasks.ts'

let emulator: Emulator
beforeEach(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterEach(() => emulator.close())

const headers = { ...askHeaders, Accept: '*/*' }

async function begin(
  scenario: Omit<MediaScenario, 'type'>,
  body: unknown = agentImageBody,
): Promise<readonly MediaTask[]> {
  emulator.answerWith({ type: 'media', ...scenario })
  await askAgent(emulator.url, body)
  return [...emulator.tasks.values()]
}

const only = ([task]: readonly MediaTask[]): MediaTask => {
  if (!task) throw new Error('no task was begun')
  return task
}

const stream = (tasks: readonly string[], path = 'ig_tasks_status', more = {}): Promise<RawReply> =>
  rawRequest(`${emulator.url}/api/${path}`, { body: { task_ids: tasks }, headers: { ...headers, ...more } })

const poll = async (form: 'status' | 'detail', id: string, more = {}) =>
  readJson(
    await rawRequest(`${emulator.url}/api/spark/image_generation_task_${form}?task_id=${id}`, {
      headers: { ...headers, ...more },
    }),
  )

describe('the status stream of WIRE 4.9b', () => {
  test('tells of progress and then of the end', async () => {
    const { id, urls } = only(await begin({ tasks: [{ steps: 2 }] }))
    const reply = await stream([id])
    expect(reply.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(reply.body.toString()).toContain(`data: {"tasks": {"${id}": {"status": "PENDING"}}}\n\n`)
    expect(readEvents(reply)).toEqual([
      { tasks: { [id]: { status: 'PENDING' } } },
      { tasks: { [id]: { status: 'PROCESSING' } } },
      { type: 'TASKS_STATUS_COMPLETE', final_status: { [id]: { status: 'SUCCESS', ...urls } } },
    ])
    expect(emulator.tasks.get(id)?.told).toEqual(['PENDING', 'PROCESSING', 'SUCCESS'])
  })

  test('tells of success and failure of several tasks', async () => {
    const tasks = await begin({
      tasks: [{ steps: 0 }, { failure: 'blocked' }, { failure: 'too long', failureField: 'message' }],
    })
    const [good, blocked, long] = tasks.map(({ id }) => id) as [string, string, string]
    expect(readEvents(await stream([good, blocked, long]))).toEqual([
      { tasks: { [blocked]: { status: 'PENDING' }, [long]: { status: 'PENDING' } } },
      {
        type: 'TASKS_STATUS_COMPLETE',
        final_status: {
          [good]: expect.objectContaining({ status: 'SUCCESS' }),
          [blocked]: { status: 'FAILED', error_message: 'blocked' },
          [long]: { status: 'FAILED', message: 'too long' },
        },
      },
    ])
  })

  test('knows neither lost tasks, nor those of another account or kind', async () => {
    const notFound = [{ status: -2, message: 'task not found' }]
    const [lost, good] = (await begin({ tasks: [{ lost: true }, {}] })).map(({ id }) => id) as [
      string,
      string,
    ]
    expect(readEvents(await stream([lost]))).toEqual(notFound)
    expect(readEvents(await stream([good], 'ig_tasks_status', { Cookie: 'session_id=bob' }))).toEqual(
      notFound,
    )
    expect(readEvents(await stream([good], 'vg_tasks_status'))).toEqual(notFound)
    const final = readEvents(await stream([good, lost])).at(-1)?.final_status
    expect(final).toEqual({ [good]: expect.objectContaining({ status: 'SUCCESS' }), [lost]: notFound[0] })
  })

  test('tells of an unknown task inside the map, where nothing need follow', async () => {
    const tasks = await begin({ tasks: [{ lost: 'in-tasks' }, {}] })
    const [lost, good] = tasks.map(({ id }) => id) as [string, string]
    const notFound = { status: -2, message: 'task not found' }
    expect((await stream([lost])).body.toString()).toBe(
      `data: {"tasks": {"${lost}": {"status": -2, "message": "task not found"}}}\n\n`,
    )
    expect(readEvents(await stream([good, lost]))).toEqual([
      { tasks: { [good]: { status: 'PENDING' }, [lost]: notFound } },
      { type: 'TASKS_STATUS_COMPLETE', final_status: expect.objectContaining({ [lost]: notFound }) },
    ])
  })

  test.each(['PENDING', 'PICKED', -3])('tells why beside %s, and does not end', async (status) => {
    const reason = { failure: 'blocked', failureField: 'failure_reason' } as const
    const { id } = only(await begin({ tasks: [{ ...reason, status, states: ['PICKED'], endsIn: 'tasks' }] }))
    expect(readEvents(await stream([id]))).toEqual([
      { tasks: { [id]: { status: 'PICKED' } } },
      { tasks: { [id]: { status, failure_reason: 'blocked' } } },
    ])
  })

  test('tells of videos', async () => {
    const { id, urls } = only(await begin({}, agentVideoBody))
    const events = readEvents(await stream([id], 'vg_tasks_status'))
    expect(events.at(-1)?.final_status[id]).toEqual({ status: 'SUCCESS', video_urls: urls.video_urls })
  })

  test('may end without the final event, or never', async () => {
    const { id } = only(await begin({ polling: { withoutFinal: true } }))
    expect(readEvents(await stream([id]))).toEqual([{ tasks: { [id]: { status: 'PENDING' } } }])
    expect(readEvents(await stream([id]))).toEqual([{ tasks: { [id]: { status: 'PROCESSING' } } }])

    const endless = (await begin({ tasks: [{ steps: Number.POSITIVE_INFINITY }] })).at(-1)?.id ?? ''
    const open = stream([endless])
    await emulator.until(() => (emulator.tasks.get(endless)?.told.length ?? 0) > 3)
    await emulator.close()
    expect((await open).error).toMatchObject({ code: 'ECONNRESET' })
  })

  test('wants its list of ids and `Accept: */*`', async () => {
    expect((await rawRequest(`${emulator.url}/api/ig_tasks_status`, { body: {}, headers })).status).toBe(400)
    expect((await stream(['a'], 'ig_tasks_status', { Accept: 'text/event-stream' })).status).toBe(400)
    expect(emulator.violations).toEqual([
      expect.stringContaining('task_ids'),
      'POST /api/ig_tasks_status: Accept text/event-stream',
    ])
  })
})

describe('polls', () => {
  test('WIRE 4.9a: one state a poll', async () => {
    const [good, bad] = (await begin({ tasks: [{ watermark: 'without' }, { failure: 'x', steps: 0 }] })) as [
      MediaTask,
      MediaTask,
    ]
    expect(await poll('status', good.id)).toEqual({ data: { status: 'PENDING' } })
    expect(await poll('status', good.id)).toEqual({
      data: { status: 'SUCCESS', image_urls_nowatermark: good.urls.image_urls_nowatermark },
    })
    expect(await poll('status', bad.id)).toEqual({ data: { status: 'FAILURE', error_message: 'x' } })
  })

  test('WIRE 5.6: one state a poll, in detail', async () => {
    const task = only(await begin({ tasks: [{ watermark: 'with', status: 'COMPLETED' }] }))
    const rest = {
      id: task.id,
      model: 'gpt-image-2',
      image_ratios: ['1376/768'],
      generation_options: { width: 1376, height: 768 },
    }
    const answer = (data: object) => ({ status: 0, message: 'success', data: { ...rest, ...data } })
    expect(await poll('detail', task.id)).toEqual(answer({ status: 'PENDING' }))
    expect(await poll('detail', task.id)).toEqual(
      answer({ status: 'COMPLETED', image_urls: task.urls.image_urls }),
    )
  })

  test('unknown tasks and signed-out accounts are told so', async () => {
    const { id } = only(await begin({}))
    expect(await poll('detail', 'none')).toEqual({ status: -2, message: 'task not found' })
    expect(await poll('status', id, { Cookie: 'session_id=bob' })).toMatchObject({ status: -2 })
    emulator.signOut('alice')
    expect(await poll('detail', id)).toEqual({ status: -5, message: 'not login', data: {} })
  })

  test('a fault answers in place of the route, as often as it says', async () => {
    const { id } = only(await begin({}))
    emulator.faults.set('GET /api/spark/image_generation_task_detail', { body: { odd: 1 }, times: 1 })
    expect(await poll('detail', id)).toEqual({ odd: 1 })
    expect(await poll('detail', id)).toMatchObject({ data: { status: 'PENDING' } })
    expect(emulator.violations).toEqual([])
  })
})
