import { isRecord } from '../decode-parts.ts'

/** A task, or a result without a task id. */
export interface FoundTask {
  readonly id: string | undefined
  readonly state: TaskState
  /** The prompt as the site rewrote it. */
  readonly prompt: string | undefined
}

/** Nothing has been seen deeper, so nothing is searched. */
const maxDepth = 8

/** Finds the tasks that an event tells of, where the site itself tells of them: as results with or without files, in a tool call, as
 *  queue objects, as lists and maps of ids; also as JSON in a string, where that is the whole of a result. What the assistant, a tool
 *  or a user says is left out, JSON or not: anybody can put any words there. Source: WIRE 5.6, 5.7 */
export function* findTasks(event: Event): Generator<FoundTask> {
  const { field_name: name = '', field_value: value, data } = event
  if (wordFields.test(String(name))) return
  yield* search(event, 0)
  if (typeof data === 'string') yield* search(parseNested(data), 0)
  if (typeof value === 'string' && resultFields.test(String(name))) yield* search(parseNested(value), 0)
}

type Event = Readonly<Record<string, unknown>>

/** Fields of an event that hold words. */
const wordFields = /(?:^|[._])(?:content|text|delta|reasoning\w*|thinking\w*|thought\w*|arguments)$/

/** Fields of an event that hold nothing but results. */
const resultFields = /(?:^|[._])(?:results?|tasks?|task_ids|generated_\w+)$/

/** The tasks of gen 1, which stand as JSON in the words of its answer. Only ids are taken from there: where the files are, the
 *  site is asked. Source: WIRE 4.8 */
export function* findTasksInContent({ type, content }: Event): Generator<FoundTask> {
  const told = type === 'message_result' && typeof content === 'string' ? parseNested(content) : undefined
  if (!isRecord(told)) return
  for (const list of [told.generated_images, told.generated_videos])
    if (Array.isArray(list))
      for (const task of list)
        if (isRecord(task) && isId(task.task_id))
          yield { id: task.task_id, state: pending, prompt: undefined }
}

function* search(value: unknown, depth: number): Generator<FoundTask> {
  if (depth > maxDepth) return
  if (Array.isArray(value)) {
    for (const item of value) yield* search(item, depth + 1)
    return
  }
  if (!isRecord(value)) return
  const id = taskIdIn(value)
  const state = parseTaskState(value)
  if (id !== undefined || state.type === 'succeeded') return yield { id, state, prompt: promptIn(value) }
  yield* listed(value)
  for (const [name, item] of Object.entries(value)) if (!wordFields.test(name)) yield* search(item, depth + 1)
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
