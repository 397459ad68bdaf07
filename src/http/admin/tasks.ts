import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { InvalidRequestError, ServiceError, UpstreamError } from '../../core/errors.ts'

/** Something that is done to many accounts, one after the other. */
export interface TaskView {
  readonly id: string
  readonly action: string
  readonly status: 'running' | 'done' | 'cancelled'
  readonly total: number
  readonly done: number
  readonly failed: readonly { readonly id: string; readonly code: string }[]
}

export interface Tasks {
  /** @throws {ServiceError} `overloaded`: as many as may run at once do */
  begin(task: TaskInput): TaskView
  /** @throws {InvalidRequestError} `not_found` */
  read(id: string): TaskView
  /** What is done stays done. @throws {InvalidRequestError} `not_found` */
  cancel(id: string): TaskView
}

export interface TaskInput {
  readonly action: string
  readonly ids: readonly string[]
  /** From the start of one to that of the next. */
  readonly pauseMs: number
  readonly atOnce: number
  readonly act: (id: string, signal: AbortSignal) => Promise<unknown>
}

interface Task extends TaskView {
  status: TaskView['status']
  done: number
  readonly failed: { id: string; code: string }[]
  readonly controller: AbortController
}

const maxRunning = 4
const maxKept = 50
/** Of those that failed; the rest is counted. */
const maxFailed = 1000

/** Tasks of this process: they end with it, and what they did stays done.
 *  @param shutdown  ends them all */
export function createTasks(shutdown: AbortSignal): Tasks {
  const tasks = new Map<string, Task>()

  async function run(task: Task, { ids, pauseMs, atOnce, act }: TaskInput): Promise<void> {
    const signal = AbortSignal.any([task.controller.signal, shutdown])
    const working = new Set<Promise<void>>()
    const one = async (id: string) => {
      try {
        await act(id, signal)
        task.done += 1
      } catch (error) {
        if (!signal.aborted && task.failed.length < maxFailed) task.failed.push({ id, code: codeOf(error) })
      }
    }
    for (const id of ids) {
      if (signal.aborted) break
      const work = one(id).finally(() => working.delete(work))
      working.add(work)
      if (pauseMs > 0) await delay(pauseMs, undefined, { signal, ref: false }).catch(() => {})
      if (working.size >= atOnce) await Promise.race(working)
    }
    await Promise.all(working)
    task.status = signal.aborted ? 'cancelled' : 'done'
  }

  function find(id: string): Task {
    const task = tasks.get(id)
    if (!task) throw new InvalidRequestError('not_found', { message: 'There is no task with this id.' })
    return task
  }

  return {
    begin(input) {
      const running = [...tasks.values()].filter(({ status }) => status === 'running')
      if (running.length >= maxRunning)
        throw new ServiceError('overloaded', { message: tooMany, retryAfterMs: 5000 })
      for (const [id, { status }] of tasks)
        if (tasks.size >= maxKept && status !== 'running') tasks.delete(id)
      const task: Task = {
        id: `task_${randomBytes(8).toString('hex')}`,
        action: input.action,
        status: 'running',
        total: input.ids.length,
        done: 0,
        failed: [],
        controller: new AbortController(),
      }
      tasks.set(task.id, task)
      void run(task, input)
      return task
    },
    read: find,
    cancel(id) {
      const task = find(id)
      task.controller.abort()
      return task
    },
  }
}

const tooMany = 'Four tasks are running already: wait for one, or cancel it.'

const codeOf = (error: unknown): string =>
  error instanceof UpstreamError ? error.kind : error instanceof ServiceError ? error.code : 'internal_error'

export const encodeTask = ({ id, action, status, total, done, failed }: TaskView) => ({
  object: 'task',
  id,
  action,
  status,
  total,
  done,
  failed,
})
