import { randomUUID } from 'node:crypto'
import type { AskRecord } from '../ask-record.ts'
import type { MediaScenario, PollingOptions, TaskPlan } from './media-scenario.ts'
import type { createResultFiles } from './result-files.ts'
import { sampleMp4, samplePng } from './sample-files.ts'

/** One picture or video on its way. It belongs to the account that asked for it. */
export interface MediaTask {
  readonly id: string
  readonly kind: 'image' | 'video'
  /** The first one of its account. */
  readonly sessionId: string
  readonly model: string
  readonly prompt: string
  readonly plan: TaskPlan
  readonly polling: PollingOptions
  /** Result URLs by the name of their list, e.g. `image_urls_nowatermark`. */
  readonly urls: Readonly<Record<string, readonly string[]>>
  /** Every status that was told so far, by polls and progress events. */
  readonly told: string[]
  /** Its last status was told. */
  ended: boolean
}

export interface NewTask extends Pick<MediaTask, 'kind' | 'sessionId' | 'model' | 'prompt'> {
  readonly plan: TaskPlan
  readonly polling?: PollingOptions
  /** Of the site, for its URLs. */
  readonly origin: string
}

export function createTasks(files: ReturnType<typeof createResultFiles>) {
  const byId = new Map<string, MediaTask>()

  function create({ origin, polling = {}, ...task }: NewTask): MediaTask {
    const { kind, sessionId, plan } = task
    const contentType = kind === 'image' ? 'image/png' : 'video/mp4'
    const sample = kind === 'image' ? samplePng : sampleMp4
    const count = plan.failure === undefined ? (plan.files ?? 1) : 0
    const makeUrls = () =>
      Array.from({ length: count }, () => {
        const bytes = plan.bytes ?? sample(files.byUrl.size)
        const { place = 'cookie', cutAfter } = plan
        const cut = cutAfter === undefined ? {} : { cutAfter }
        return files.add({ origin, sessionId, contentType, bytes, place, ...cut })
      })
    const urls = Object.fromEntries(urlLists(kind, plan).map((name) => [name, makeUrls()]))
    const made = { ...task, id: randomUUID(), polling, urls, told: [], ended: false }
    byId.set(made.id, made)
    return made
  }

  return {
    byId,
    create,
    /** Those that an ask begins. `model`: the one that serves it. */
    begin(ask: AskRecord, model: string, { tasks, polling }: MediaScenario): readonly MediaTask[] {
      const { account: sessionId, origin, prompt } = ask
      const kind = ask.kind === 'video' ? 'video' : 'image'
      const plans = tasks ?? ask.wanted.map(() => ({}))
      return plans.map((plan) =>
        create({ kind, sessionId, model, prompt, plan, origin, ...(polling ? { polling } : {}) }),
      )
    },
    /** @returns undefined for one that is lost, another account's, or none */
    find(id: string, sessionId: string, kind: MediaTask['kind']): MediaTask | undefined {
      const task = byId.get(id)
      return task?.sessionId === sessionId && task.kind === kind && !task.plan.lost ? task : undefined
    },
  }
}

function urlLists(kind: MediaTask['kind'], { watermark = 'both' }: TaskPlan): string[] {
  if (kind === 'video') return ['video_urls']
  if (watermark === 'both') return ['image_urls', 'image_urls_nowatermark']
  return [watermark === 'with' ? 'image_urls' : 'image_urls_nowatermark']
}
