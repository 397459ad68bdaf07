import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { parseBody, RefusedBody } from '../ask-shape.ts'
import { readJsonBody } from '../read-body.ts'
import type { Exchange, Route } from '../route.ts'
import type { WireEvent } from '../scenario.ts'
import { sendStream } from '../send-stream.ts'
import { keyOwner } from '../vendor/vendor-site.ts'
import { finalState, isDone, nextProgress } from './task-state.ts'
import type { MediaTask } from './tasks.ts'

/** The ways to ask how a task stands (WIRE 4.9, 5.6). */
export const taskStatusRoutes: Readonly<Record<string, Route>> = {
  'GET /api/spark/image_generation_task_status': {
    needsLogin: true,
    answer: (exchange) => pollOne(exchange, (task) => ({ data: stateOf(task, 'FAILURE') })),
  },
  'GET /api/spark/image_generation_task_detail': {
    needsLogin: true,
    answer: (exchange) =>
      pollOne(exchange, (task) => ({
        status: 0,
        message: 'success',
        data: {
          id: task.id,
          ...stateOf(task, 'FAILED'),
          model: task.model,
          image_ratios: ['1376/768'],
          generation_options: { width: 1376, height: 768 },
        },
      })),
  },
  'POST /api/ig_tasks_status': {
    needsLogin: true,
    accept: '*/*',
    answer: (exchange) => streamStatus(exchange, 'image', exchange.account),
  },
  'POST /api/vg_tasks_status': {
    needsLogin: true,
    accept: '*/*',
    takesApiKey: true,
    answer: (exchange) => streamStatus(exchange, 'video', ownerOf(exchange)),
  },
}

function ownerOf({ request, account }: Exchange): string {
  const apiKey = request.headers['x-api-key']
  return apiKey === undefined ? account : keyOwner(String(apiKey))
}

const notFound = { status: -2, message: 'task not found' }

function pollOne({ site, url, account }: Exchange, show: (task: MediaTask) => WireEvent): WireEvent {
  const id = url.searchParams.get('task_id')
  if (!id) throw new RefusedBody(400, 'no task_id')
  const task = site.tasks.find(id, account, 'image')
  return task ? show(task) : notFound
}

const stateOf = (task: MediaTask, failed: 'FAILED' | 'FAILURE'): WireEvent =>
  isDone(task) ? finalState(task, failed) : nextProgress(task)

const statusBody = z.strictObject({ task_ids: z.array(z.string().min(1)).min(1) })

/** Progress events as long as a task goes on, then the states of all. */
async function streamStatus(exchange: Exchange, kind: MediaTask['kind'], owner: string): Promise<undefined> {
  const { site, response, signal } = exchange
  const { task_ids } = parseBody(statusBody, await readJsonBody(exchange.request))
  const tasks = new Map(task_ids.map((id) => [id, site.tasks.find(id, owner, kind)]))
  const options = [...tasks.values()].find((task) => task !== undefined)?.polling ?? {}
  const lost = task_ids.filter((id) => site.tasks.byId.get(id)?.plan.lost === 'in-tasks')
  const events = statusEvents(tasks, { ...options, lost, signal })
  await sendStream(response, events, { ...options, signal, onSent: site.changed, onCut: site.changed })
  return undefined
}

async function* statusEvents(
  tasks: ReadonlyMap<string, MediaTask | undefined>,
  {
    stepDelayMs = 0,
    withoutFinal,
    lost,
    signal,
  }: MediaTask['polling'] & { lost: readonly string[]; signal: AbortSignal },
): AsyncGenerator<WireEvent> {
  const known = [...tasks.values()].filter((task) => task !== undefined)
  const notFounds = lost.map((id) => [id, notFound] as const)
  if (known.length === 0) return yield lost.length > 0 ? { tasks: Object.fromEntries(notFounds) } : notFound
  const stepOf = async (open: readonly MediaTask[]): Promise<WireEvent> => {
    if (stepDelayMs > 0) await delay(stepDelayMs, undefined, { signal })
    const states = open.map((task) => [task.id, nextProgress(task)] as const)
    return { tasks: Object.fromEntries([...states, ...notFounds]) }
  }
  let open = known.filter((task) => !isDone(task))
  // The site has something to say each time; without an end that can only be that the work goes on.
  if (withoutFinal && open.length === 0) yield await stepOf(known)
  for (; open.length > 0; open = open.filter((task) => !isDone(task))) yield await stepOf(open)
  if (withoutFinal) return
  if (known.some(({ plan }) => plan.endsIn === 'tasks')) {
    return yield { tasks: Object.fromEntries(known.map((task) => [task.id, finalState(task)])) }
  }
  const states = [...tasks].map(([id, task]) => [id, task ? finalState(task) : notFound])
  yield { type: 'TASKS_STATUS_COMPLETE', final_status: Object.fromEntries(states) }
}
