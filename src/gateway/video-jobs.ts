import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { ServiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { collectFiles } from '../core/media-event.ts'
import type { VideoRequest } from '../core/media-request.ts'
import type { VideoJob, VideoJobState } from '../core/video-job.ts'
import type { Store, StoredDocument } from '../store/store.ts'
import { createBackgroundWork, maxBackgroundMs } from './background-work.ts'
import type { RunMedia } from './media.ts'

/** Videos that are made in the background, while their clients ask now and then how far they are. Any replica knows them.
 *  All throw {UnavailableError} `dependency_unavailable`. */
export interface VideoJobs {
  /** @throws {UnavailableError} `queue_full` when too many are being made, `shutting_down` */
  begin(request: VideoRequest, about: VideoJobAbout): Promise<VideoJob>
  find(id: string, owner: string): Promise<VideoJob | undefined>
  /** Newest first. */
  list(owner: string): Promise<readonly VideoJob[]>
  /** Forgets a job; one that is being made is given up. @returns false when there is none */
  remove(id: string, owner: string): Promise<boolean>
  /** Gives up what is being made. */
  close(): Promise<void>
}

export interface VideoJobAbout {
  readonly requestId: string
  readonly owner: string
  readonly size: string | undefined
  /** Called when the request is not needed any more, whether or not a video came of it. */
  readonly onEnd?: (() => void) | undefined
}

export interface VideoJobOptions {
  readonly runMedia: RunMedia
  readonly clock: Clock
  readonly logger: Logger
  readonly store: Pick<
    Store,
    'saveDocument' | 'replaceDocument' | 'findDocument' | 'listDocuments' | 'removeDocument'
  >
  /** False leaves prompts out of what is stored. Default true. */
  readonly promptsStored?: boolean
  /** Being made at once. Default 32. */
  readonly maxRunning?: number
}

const jobLifeMs = 24 * 60 * 60 * 1000
const maxListed = 1000

export function createVideoJobs(options: VideoJobOptions): VideoJobs {
  const { runMedia, clock, logger, store, maxRunning = 32, promptsStored = true } = options
  const work = createBackgroundWork({ logger, product: 'video', maxRunning })

  async function make(job: VideoJob, request: VideoRequest, requestId: string, signal: AbortSignal) {
    const enter = async (state: VideoJobState) => {
      const isThere = await store.replaceDocument('video-job', job.id, JSON.stringify({ ...job, state }))
      // It was deleted, perhaps on another replica.
      if (!isThere) void work.cancel(job.id)
    }
    try {
      const { account, events } = await runMedia(request, { requestId, caller: job.owner, signal })
      await enter({ type: 'in-progress', percent: 0 })
      const [file] = await collectFiles(events, ({ done, tasks }) =>
        enter({ type: 'in-progress', percent: percentOf(done, tasks) }),
      )
      await enter({ type: 'completed', completedMs: clock.now(), accountKey: account.key, file })
    } catch (error) {
      if (!(error instanceof ServiceError) && !signal.aborted)
        logger.error({ requestId, err: error }, 'unexpected error in a video job')
      const { code, message } = error instanceof ServiceError ? error : new ServiceError('internal_error')
      await enter({ type: 'failed', completedMs: clock.now(), code, message })
    }
  }

  /** A job older than any work has lost its process. */
  function settle({ text }: StoredDocument): VideoJob {
    const job: VideoJob = JSON.parse(text)
    const isOpen = job.state.type === 'queued' || job.state.type === 'in-progress'
    const completedMs = job.createdMs + maxBackgroundMs
    if (!isOpen || clock.now() < completedMs) return job
    return { ...job, state: { type: 'failed', completedMs, ...lostJob } }
  }

  async function find(id: string, owner: string): Promise<VideoJob | undefined> {
    const kept = await store.findDocument('video-job', id)
    return kept?.owner === owner ? settle(kept) : undefined
  }

  return {
    async begin(request, { requestId, owner, size, onEnd }) {
      const createdMs = clock.now()
      const job: VideoJob = {
        id: `video_${randomUUID().replaceAll('-', '')}`,
        owner,
        model: request.model.id,
        prompt: promptsStored ? request.prompt : '',
        size,
        durationS: request.durationS,
        createdMs,
        expiresMs: createdMs + jobLifeMs,
        state: { type: 'queued' },
      }
      const kept = Promise.withResolvers<void>()
      const keepAndMake = async (signal: AbortSignal) => {
        kept.resolve(
          store.saveDocument('video-job', {
            id: job.id,
            owner,
            text: JSON.stringify(job),
            lifeMs: jobLifeMs,
          }),
        )
        await kept.promise
        await make(job, request, requestId, signal)
      }
      try {
        work.begin(job.id, (signal) => keepAndMake(signal).finally(onEnd))
      } catch (error) {
        onEnd?.()
        throw error
      }
      await kept.promise
      return job
    },
    find,
    list: async (owner) => (await store.listDocuments('video-job', owner, maxListed)).map(settle),
    async remove(id, owner) {
      if (!(await find(id, owner))) return false
      void work.cancel(id)
      await store.removeDocument('video-job', id)
      return true
    },
    close: work.close,
  }
}

const lostJob = { code: 'internal_error', message: 'The server ended before the video was made.' } as const

/** 100 is for what is finished. */
const percentOf = (done: number, tasks: number): number =>
  Math.min(Math.floor((done / Math.max(tasks, 1)) * 100), 99)
