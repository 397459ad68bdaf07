import { setTimeout as delay } from 'node:timers/promises'
import type { Account } from '../../core/account.ts'
import { UpstreamError, type UpstreamFailureKind } from '../../core/errors.ts'
import type { MediaRequest } from '../../core/media-request.ts'
import type { WireGeneration } from '../../core/wire-generation.ts'
import { type AskCall, AskStream, type EventConsumer } from '../ask-stream.ts'
import type { DeadlineLimits } from '../deadlines.ts'
import { isRecord, parseEvent } from '../decode-parts.ts'
import { type ReplyEvidence, recogniseEvent, recogniseReply } from '../failures.ts'
import { callSite, isMissingRoute, type SiteAccess } from '../site-calls.ts'
import type { MediaWork } from './media-work.ts'
import { failed, parseTaskState, type TaskState } from './tasks.ts'

export interface PollOptions {
  readonly sources: readonly TaskSource[]
  /** Wait after the first poll; it grows to two and a half of it. */
  readonly pollIntervalMs: number
  readonly signal: AbortSignal
}

/** Failures worth another poll. */
// biome-ignore format: a list to be read as one
const passing: ReadonlySet<UpstreamFailureKind> = new Set<UpstreamFailureKind>([
  'reset', 'unavailable', 'overloaded', 'rate-limited', 'empty', 'malformed', 'first-event-timeout', 'idle-timeout',
])

const maxFailuresInARow = 5
const longestWaitMs = 30_000

/** Polls until every task has ended; yields whenever more have. The site goes on working whatever happens to a poll, so
 *  a failed poll is repeated. @throws {UpstreamError} for what does not pass @throws `signal.reason` */
export async function* pollTasks(
  work: MediaWork,
  { sources, pollIntervalMs, signal }: PollOptions,
): AsyncGenerator<void> {
  let current = 0
  let failures = 0
  for (let intervalMs = pollIntervalMs; !work.isDone; ) {
    const source = sources[current]
    if (!source) throw new UpstreamError('unavailable', { message: 'Genspark no longer tells of its tasks.' })
    let waitMs = intervalMs
    try {
      for await (const states of source(work.pendingIds(), signal)) {
        const { done } = work
        work.update(states)
        if (work.done > done) yield
        if (work.isDone) return
      }
      failures = 0
      intervalMs = Math.min(intervalMs * 1.25, pollIntervalMs * 2.5)
    } catch (error) {
      signal.throwIfAborted()
      if (isMissingRoute(error)) {
        current += 1
        continue
      }
      failures += 1
      if (!(error instanceof UpstreamError) || !passing.has(error.kind) || failures > maxFailuresInARow)
        throw error
      waitMs = Math.max(waitMs, Math.min(error.retryAfterMs ?? 0, longestWaitMs))
    }
    await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

export type TaskStates = ReadonlyMap<string, TaskState>

/** Polls the state of tasks once; yields for as long as the site reports. @throws {UpstreamError} */
export type TaskSource = (taskIds: readonly string[], signal: AbortSignal) => AsyncIterable<TaskStates>

export interface TaskSourceInput {
  readonly generation: WireGeneration
  readonly account: Account
  readonly kind: MediaRequest['kind']
}

/** The sources of task states in the order tried: the site has lacked each of them at one time or another.
 *  Source: WIRE 4.9, 5.6, 5.7 */
export function taskSources(
  access: SiteAccess & DeadlineLimits,
  { generation, account, kind }: TaskSourceInput,
): readonly TaskSource[] {
  const stream =
    (path: string): TaskSource =>
    (taskIds, signal) =>
      readTaskStream(access, { path, account, generation, kind, taskIds, signal })
  const each = (name: string): TaskSource =>
    async function* askEach(taskIds, signal) {
      const ask = async (id: string) => [id, await askTask(access, { name, account, id, signal })] as const
      yield new Map(await Promise.all(taskIds.map(ask)))
    }
  if (kind === 'video') return [stream('/api/vg_tasks_status')]
  return generation === 'agent'
    ? [each('image_generation_task_detail'), stream('/api/ig_tasks_status')]
    : [stream('/api/ig_tasks_status'), each('image_generation_task_status')]
}

interface TaskCall {
  readonly name: string
  readonly account: Account
  readonly id: string
  readonly signal: AbortSignal
}

async function askTask(access: SiteAccess, { name, account, id, signal }: TaskCall): Promise<TaskState> {
  const path = `/api/spark/${name}?task_id=${encodeURIComponent(id)}`
  const { data, message } = await callSite(access, { path, account, signal })
  if (isRecord(data)) return parseTaskState(data)
  return failed(typeof message === 'string' ? message : 'Genspark does not know the task')
}

interface TaskStreamInput extends Pick<AskCall, 'account' | 'generation' | 'kind' | 'signal' | 'path'> {
  readonly taskIds: readonly string[]
}

/** Reads the event stream that tells how tasks stand, to its end. Source: WIRE 4.9 b */
async function* readTaskStream(
  access: SiteAccess & DeadlineLimits,
  input: TaskStreamInput,
): AsyncGenerator<TaskStates> {
  const { taskIds } = input
  const listing = new TaskListing(taskIds)
  const call = { ...input, bound: false, encodeBody: () => ({ task_ids: taskIds }), recognise }
  try {
    yield* new AskStream(access, call, listing)
  } catch (error) {
    if (!(error instanceof TaskNotFound)) throw error
    const [id] = taskIds
    if (taskIds.length === 1 && id !== undefined) yield new Map([[id, failed(error.message)]])
    // Perhaps only one of them is unknown.
    else for (const each of taskIds) yield* readTaskStream(access, { ...input, taskIds: [each] })
  }
}

/** The site may report an unknown task in place of a stream. */
function recognise(evidence: ReplyEvidence): UpstreamError | TaskNotFound {
  return TaskNotFound.in(parseEvent(evidence.text)) ?? recogniseReply(evidence)
}

/** The site knows none, or not one, of the tasks that it was asked about. */
class TaskNotFound extends Error {
  static in(event: Readonly<Record<string, unknown>> | undefined): TaskNotFound | undefined {
    if (event?.status !== -2) return undefined
    return new TaskNotFound(typeof event.message === 'string' ? event.message : 'task not found')
  }
}

/** What the events of a status stream add up to. Source: WIRE 4.9 b */
class TaskListing implements EventConsumer<TaskStates> {
  closed = false
  #taskIds: readonly string[]
  #states = new Map<string, TaskState>()

  constructor(taskIds: readonly string[]) {
    this.#taskIds = taskIds
  }

  /** @throws {UpstreamError} for an event that is a failure @throws {TaskNotFound} */
  decode(data: string): boolean {
    const event = parseEvent(data)
    if (!event) return false
    if (event.type === 'TASKS_STATUS_COMPLETE') return this.#end(event.final_status)
    if (isRecord(event.tasks)) return this.#tell(event.tasks)
    const failure = TaskNotFound.in(event) ?? recogniseEvent(event)
    if (failure) throw failure
    return false
  }

  take(): TaskStates | undefined {
    if (this.#states.size === 0) return undefined
    const states = this.#states
    this.#states = new Map()
    return states
  }

  finish(): undefined {}

  finishInSpiteOf(error: unknown): never {
    throw error
  }

  #tell(tasks: Readonly<Record<string, unknown>>): boolean {
    for (const [id, task] of Object.entries(tasks))
      if (isRecord(task)) this.#states.set(id, parseTaskState(task))
    return true
  }

  /** The last event is final: tasks that it leaves out have failed. */
  #end(tasks: unknown): boolean {
    for (const id of this.#taskIds) {
      const task = isRecord(tasks) ? tasks[id] : undefined
      this.#states.set(id, parseTaskState(isRecord(task) ? task : {}, { final: true }))
    }
    this.closed = true
    return true
  }
}
