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
  /** The site says no more of the task after this: whatever is no success has failed. */
  readonly final?: boolean
}

/** Reads what the site says of a task, in any of its forms. Source: UPSTREAM 4.9, 5.6 */
export function parseTaskState(
  task: Readonly<Record<string, unknown>>,
  { final = false }: ReadOptions = {},
): TaskState {
  const status = typeof task.status === 'string' ? task.status.toUpperCase() : undefined
  const urls = resultUrls(task)
  if (urls.length > 0 && (status === undefined || successes.has(status))) return { type: 'succeeded', urls }
  if (status !== undefined && failures.has(status)) return failed(causeOf(task) ?? `status ${status}`)
  if (!final) return pending
  if (status !== undefined && successes.has(status)) return failed('it was finished without a file')
  return failed(causeOf(task) ?? `status ${status ?? 'unknown'}`)
}

const successes = new Set(['SUCCESS', 'SUCCEEDED', 'COMPLETED', 'COMPLETE'])
const failures = new Set(['FAILURE', 'FAILED', 'ERROR', 'CANCELLED', 'CANCELED', 'TIMEOUT', 'REJECTED'])

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
