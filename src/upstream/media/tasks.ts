import { isRecord } from '../parse-event.ts'

/** A task, or a result without a task id. */
export interface FoundTask {
  readonly id: string | undefined
  readonly state: TaskState
  /** The prompt as the site rewrote it. */
  readonly prompt: string | undefined
}

/** Nothing has been seen deeper, so nothing is searched. */
const maxDepth = 8

/** Finds the tasks that an event tells of, wherever they stand in it: as results with or without files, in a JSON string, in a
 *  tool call, as queue objects, as lists and maps of ids. Source: WIRE 4.8, 5.6, 5.7 */
export function* findTasks(value: unknown, depth = 0): Generator<FoundTask> {
  if (depth > maxDepth) return
  if (typeof value === 'string') return yield* findTasks(parseNested(value), depth + 1)
  if (Array.isArray(value)) {
    for (const item of value) yield* findTasks(item, depth + 1)
    return
  }
  if (!isRecord(value)) return
  const id = taskIdIn(value)
  const state = parseTaskState(value)
  if (id !== undefined || state.type === 'succeeded') return yield { id, state, prompt: promptIn(value) }
  yield* listed(value)
  for (const item of Object.values(value)) yield* findTasks(item, depth + 1)
}

/** JSON in a string, where it speaks of tasks. */
function parseNested(text: string): unknown {
  if (!/^\s*[[{]/.test(text) || !/task_id/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function taskIdIn(value: Readonly<Record<string, unknown>>): string | undefined {
  if (isId(value.task_id)) return value.task_id
  const isQueued = ['task_type', 'task_source', 'queue_name'].some((mark) => typeof value[mark] === 'string')
  return isQueued && isId(value.id) ? value.id : undefined
}

function* listed({ task_ids: ids, tasks }: Readonly<Record<string, unknown>>): Generator<FoundTask> {
  if (Array.isArray(ids)) for (const id of ids) if (isId(id)) yield { id, state: pending, prompt: undefined }
  if (!isRecord(tasks)) return
  for (const [id, task] of Object.entries(tasks))
    if (isRecord(task)) yield { id, state: parseTaskState(task), prompt: promptIn(task) }
}

function promptIn({ prompt, function: call }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof prompt === 'string' && prompt !== '') return prompt
  if (!isRecord(call) || typeof call.arguments !== 'string') return undefined
  try {
    const given: unknown = JSON.parse(call.arguments)
    return isRecord(given) ? promptIn(given) : undefined
  } catch {
    return undefined
  }
}

const isId = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** How one task stands. */
export type TaskState =
  | { readonly type: 'pending' }
  | { readonly type: 'succeeded'; readonly urls: readonly string[] }
  | { readonly type: 'failed'; readonly cause: string }

export const pending: TaskState = { type: 'pending' }

export const failed = (cause: string): TaskState => ({
  type: 'failed',
  cause: cause.slice(0, maxCauseLength),
})

const maxCauseLength = 500

interface ReadOptions {
  /** The last word on the task: anything but a success is a failure. */
  readonly final?: boolean
}

/** Reads what the site says of a task, in any of its forms. Source: WIRE 4.9, 5.6 */
export function parseTaskState(
  task: Readonly<Record<string, unknown>>,
  { final = false }: ReadOptions = {},
): TaskState {
  const status = typeof task.status === 'string' ? task.status.toUpperCase() : undefined
  const urls = resultUrls(task)
  if (urls.length > 0 && (status === undefined || successes.has(status))) return { type: 'succeeded', urls }
  if (hasFailed(task, status)) return failed(causeOf(task) ?? `status ${status ?? task.status}`)
  if (!final) return pending
  if (status !== undefined && successes.has(status)) return failed('it was finished without a file')
  return failed(causeOf(task) ?? `status ${status ?? 'unknown'}`)
}

const successes = new Set(['SUCCESS', 'SUCCEEDED', 'COMPLETED', 'COMPLETE'])
const failures = /FAIL|REJECT|CENSOR|ERROR|CANCEL|TIMEOUT/

/** A failure tells by a negative number, by a word, or by its reason, whatever stands beside it. Source: WIRE 4.9 */
function hasFailed(task: Readonly<Record<string, unknown>>, status: string | undefined): boolean {
  if (typeof task.status === 'number') return task.status < 0
  if (status !== undefined && failures.test(status)) return true
  return ['failure_reason', 'failed_reason'].some((name) => isId(task[name]))
}

/** Best first; the first list that holds anything counts. */
const urlLists = ['image_urls_nowatermark', 'video_urls_nowatermark', 'image_urls', 'video_urls']

function resultUrls(task: Readonly<Record<string, unknown>>): readonly string[] {
  for (const name of urlLists) {
    const list = task[name]
    const urls = Array.isArray(list) ? list.filter((url) => typeof url === 'string' && url !== '') : []
    if (urls.length > 0) return urls
  }
  return []
}

const causeFields = ['error_message', 'failed_reason', 'failure_reason', 'message', 'error_code']

function causeOf(task: Readonly<Record<string, unknown>>): string | undefined {
  const causes = causeFields.map((name) => task[name])
  return causes.find((cause) => typeof cause === 'string' && cause.trim() !== '') as string | undefined
}
