import type { Account } from '../../core/account.ts'
import type { MediaRequest } from '../../core/media-request.ts'
import type { WireGeneration } from '../../core/wire-generation.ts'
import { callSite, type SiteAccess } from '../call-site.ts'
import type { DeadlineLimits } from '../deadlines.ts'
import { isRecord } from '../parse-event.ts'
import { readTaskStream } from './read-task-stream.ts'
import { failed, parseTaskState, type TaskState } from './task-state.ts'

export type TaskStates = ReadonlyMap<string, TaskState>

/** Asks once how tasks stand; tells as long as the site does. @throws {UpstreamError} */
export type TaskSource = (taskIds: readonly string[], signal: AbortSignal) => AsyncIterable<TaskStates>

export interface TaskSourceInput {
  readonly generation: WireGeneration
  readonly account: Account
  readonly kind: MediaRequest['kind']
}

/** Whom to ask, in the order in which they are tried: each is missing from the site at one time or another.
 *  Source: UPSTREAM 4.9, 5.6, 5.7 */
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
