import { recogniseEvent } from '../failures/recognise-event.ts'
import { isRecord, parseEvent } from '../parse-event.ts'
import type { EventReader } from '../read-ask.ts'
import type { TaskStates } from './task-sources.ts'
import { parseTaskState, type TaskState } from './task-state.ts'

/** The site knows none, or not one, of the tasks that it was asked about. */
export class TaskNotFound extends Error {
  static in(event: Readonly<Record<string, unknown>> | undefined): TaskNotFound | undefined {
    if (event?.status !== -2) return undefined
    return new TaskNotFound(typeof event.message === 'string' ? event.message : 'task not found')
  }
}

/** What the events of a status stream add up to. Source: UPSTREAM 4.9 b */
export class TaskListing implements EventReader {
  begun = false
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
    this.begun = true
    if (event.type === 'TASKS_STATUS_COMPLETE') return this.#end(event.final_status)
    if (isRecord(event.tasks)) return this.#tell(event.tasks)
    const failure = TaskNotFound.in(event) ?? recogniseEvent(event)
    if (failure) throw failure
    return false
  }

  /** Hands over what was told since the last call. */
  take(): TaskStates {
    const states = this.#states
    this.#states = new Map()
    return states
  }

  #tell(tasks: Readonly<Record<string, unknown>>): boolean {
    for (const [id, task] of Object.entries(tasks))
      if (isRecord(task)) this.#states.set(id, parseTaskState(task))
    return true
  }

  /** What the last event leaves out will not be told of any more. */
  #end(tasks: unknown): boolean {
    for (const id of this.#taskIds) {
      const task = isRecord(tasks) ? tasks[id] : undefined
      this.#states.set(id, parseTaskState(isRecord(task) ? task : {}, { final: true }))
    }
    this.closed = true
    return true
  }
}
