import type { WireEvent } from '../scenario.ts'
import type { MediaTask } from './tasks.ts'

/** Has everything been told that comes before the end? */
export const isDone = ({ plan, told, ended }: MediaTask): boolean => ended || told.length >= (plan.steps ?? 1)

/** The next state of a task that is not done: first it waits, then it is worked on. */
export function nextProgress(task: MediaTask): WireEvent {
  const { states = ['PENDING', 'PROCESSING'] } = task.plan
  const status = states[task.told.length] ?? states.at(-1) ?? 'PROCESSING'
  task.told.push(status)
  return { status }
}

/** The last state of a task, as often as one asks. `failed`: the form's own word for a failure. */
export function finalState(task: MediaTask, failed: 'FAILED' | 'FAILURE' = 'FAILED'): WireEvent {
  const { plan, urls } = task
  const status = plan.status ?? (plan.failure === undefined ? 'SUCCESS' : failed)
  task.told.push(String(status))
  task.ended = true
  if (plan.failure === undefined) return { status, ...urls }
  return { status, [plan.failureField ?? 'error_message']: plan.failure }
}
