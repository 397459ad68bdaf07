import type { UpstreamError } from '../../core/errors.ts'
import type { SiteAccess } from '../call-site.ts'
import type { DeadlineLimits } from '../deadlines.ts'
import { type ReplyEvidence, recogniseReply } from '../failures/recognise-reply.ts'
import { parseEvent } from '../parse-event.ts'
import { type AskCall, readAsk } from '../read-ask.ts'
import { TaskListing, TaskNotFound } from './task-listing.ts'
import type { TaskStates } from './task-sources.ts'
import { failed } from './task-state.ts'

interface TaskStreamInput extends Pick<AskCall, 'account' | 'generation' | 'kind' | 'signal'> {
  readonly path: string
  readonly taskIds: readonly string[]
}

/** Reads the event stream that tells how tasks stand, to its end. Source: UPSTREAM 4.9 b */
export async function* readTaskStream(
  access: SiteAccess & DeadlineLimits,
  input: TaskStreamInput,
): AsyncGenerator<TaskStates> {
  const { taskIds } = input
  const listing = new TaskListing(taskIds)
  const call = { ...input, bound: false, encodeBody: () => ({ task_ids: taskIds }), recognise }
  try {
    for await (const _read of readAsk(access, call, listing)) {
      const states = listing.take()
      if (states.size > 0) yield states
    }
  } catch (error) {
    if (!(error instanceof TaskNotFound)) throw error
    const [id] = taskIds
    if (taskIds.length === 1 && id !== undefined) yield new Map([[id, failed(error.message)]])
    // Of several only one may be unknown.
    else for (const each of taskIds) yield* readTaskStream(access, { ...input, taskIds: [each] })
  }
}

/** An unknown task may be told of in place of a stream. */
function recognise(evidence: ReplyEvidence): UpstreamError | TaskNotFound {
  return TaskNotFound.in(parseEvent(evidence.text)) ?? recogniseReply(evidence)
}
