import type { MediaEvent, MediaFile } from '../../core/media-event.ts'
import type { MediaRequest } from '../../core/media-request.ts'
import { isOwnHost } from '../request-headers.ts'
import { type FoundTask, failed, findTasks, type TaskState } from './tasks.ts'

/** What has to be known of a request once it is asked. */
export type MadeMedia = Pick<MediaRequest, 'kind' | 'prompt'> & { readonly count?: number }

/** The tasks of one ask, as the ask and the polls report them. */
export class MediaWork {
  #tasks = new Map<string, { state: TaskState; prompt: string | undefined }>()
  #request: MadeMedia
  #baseUrl: string

  constructor(request: MadeMedia, baseUrl: string) {
    this.#request = request
    this.#baseUrl = baseUrl
  }

  get size(): number {
    return this.#tasks.size
  }

  get done(): number {
    return this.size - this.pendingIds().length
  }

  get isDone(): boolean {
    return this.size > 0 && this.done === this.size
  }

  get hasFiles(): boolean {
    return [...this.#tasks.values()].some(({ state }) => state.type === 'succeeded')
  }

  pendingIds(): readonly string[] {
    return [...this.#tasks].flatMap(([id, { state }]) => (state.type === 'pending' ? [id] : []))
  }

  /** Collects the tasks in an event of the ask. @returns whether there were any */
  collect(event: Readonly<Record<string, unknown>>, find = findTasks): boolean {
    let found = false
    for (const task of find(event)) {
      this.add(task)
      found = true
    }
    return found
  }

  /** A result without a task id goes by its first file. */
  add({ id, state, prompt }: FoundTask): void {
    const key = id ?? (state.type === 'succeeded' ? state.urls[0] : undefined)
    if (key === undefined) return
    const known = this.#tasks.get(key)
    this.#tasks.set(key, {
      state: known && known.state.type !== 'pending' ? known.state : state,
      prompt: prompt ?? known?.prompt,
    })
  }

  /** Applies the result of a poll. */
  update(states: ReadonlyMap<string, TaskState>): void {
    for (const [id, state] of states) if (this.#tasks.has(id)) this.add({ id, state, prompt: undefined })
  }

  /** Nothing more will come: pending tasks have failed. */
  giveUp(cause: string): void {
    for (const id of this.pendingIds()) this.add({ id, state: failed(cause), prompt: undefined })
  }

  progress(): MediaEvent {
    return { type: 'progress', done: this.done, tasks: this.size }
  }

  finished(): MediaEvent {
    const failures = [...this.#tasks.values()].flatMap(({ state }) =>
      state.type === 'failed' ? [state.cause] : [],
    )
    return { type: 'finished', files: this.#files(), failures }
  }

  /** The first file of each task, then what else there is of as many as were asked for: some tasks make several. */
  #files(): readonly MediaFile[] {
    const perTask = [...this.#tasks.values()].map(({ state, prompt }) =>
      state.type === 'succeeded' ? state.urls.flatMap((url) => this.#file(url, prompt)) : [],
    )
    const firsts = perTask.flatMap((files) => files.slice(0, 1))
    const others = perTask.flatMap((files) => files.slice(1))
    const wanted = this.#request.count ?? 1
    return [...firsts, ...others.slice(0, Math.max(0, wanted - firsts.length))]
  }

  #file(text: string, prompt: string | undefined): MediaFile[] {
    const url = resultUrl(text, this.#baseUrl)
    if (!url) return []
    const isRewritten = prompt !== undefined && prompt !== this.#request.prompt
    return [
      {
        url: url.href,
        needsCookie: needsCookie(url, this.#baseUrl),
        ...(isRewritten && { revisedPrompt: prompt }),
      },
    ]
  }
}

/** The absolute URL of a result file. @returns undefined for what is none */
export function resultUrl(text: string, baseUrl: string): URL | undefined {
  const url = URL.parse(text, baseUrl)
  return url && ['http:', 'https:'].includes(url.protocol) ? url : undefined
}

/** Source: WIRE 5.6, files */
export const needsCookie = (url: URL, baseUrl: string): boolean =>
  isOwnHost(url, baseUrl) && url.pathname.startsWith('/api/')

/** Finds result files in words. They are a model's: only what can be a file of the site counts, not any URL that it was
 *  talked into. Source: WIRE 5.6, 5.7 (fallback places) */
export function findResultUrls(text: string, baseUrl: string): readonly URL[] {
  const urls = Array.from(text.matchAll(urlPattern), ([found]) => resultUrl(found, baseUrl))
  const own = urls.filter((url) => url !== undefined && isResultFile(url, baseUrl)) as URL[]
  return [...new Map(own.map((url) => [url.href, url])).values()]
}

const urlPattern = /(?:https?:\/\/|(?<![\w/.:-])\/api\/files\/)[^\s<>()[\]{}"'`\\|]+/g

const storageHost = /^genspark[\w-]*(?:\.[\w-]+)?\.(?:azurefd\.net|blob\.core\.windows\.net)$/

const fileName = /\.(?:png|jpe?g|webp|gif|avif|mp4|webm|mov)$/i

function isResultFile(url: URL, baseUrl: string): boolean {
  if (isOwnHost(url, baseUrl)) return url.pathname.startsWith('/api/files/')
  return storageHost.test(url.hostname) && fileName.test(url.pathname)
}
