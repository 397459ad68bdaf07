import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { ServiceError, UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { collectFiles } from '../core/media-event.ts'
import type { VideoRequest } from '../core/media-request.ts'
import type { VideoJob, VideoJobState } from '../core/video-job.ts'
import type { RunMedia } from './media.ts'
import type { VideoJobStore } from './video-job-store.ts'

/** Videos that are made in the background, while their clients ask now and then how far they are. */
export interface VideoJobs {
  /** @throws {UnavailableError} `queue_full` when too many are being made */
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
}

export interface VideoJobRooms {
  readonly runMedia: RunMedia
  readonly clock: Clock
  readonly logger: Logger
  readonly store: VideoJobStore
  /** Being made at once. Default 32. */
  readonly maxRunning?: number
}

const jobLifeMs = 24 * 60 * 60 * 1000
/** Whoever made a video for longer has died. */
const maxMakingMs = 2 * 60 * 60 * 1000

export function createVideoJobs(rooms: VideoJobRooms): VideoJobs {
  const { runMedia, clock, logger, store, maxRunning = 32 } = rooms
  const running = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>()
  let isClosed = false

  async function make(job: VideoJob, request: VideoRequest, requestId: string, abort: AbortController) {
    const { signal } = abort
    const call = { requestId, caller: job.owner, signal }
    const enter = async (state: VideoJobState) => {
      // It may have been deleted on another replica.
      if (!(await store.update({ ...job, state }))) abort.abort()
    }
    try {
      const { account, events } = await runMedia(request, call)
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

  /** A job that nobody makes any more has failed. */
  function settle(job: VideoJob): VideoJob {
    const isOpen = job.state.type === 'queued' || job.state.type === 'in-progress'
    const completedMs = job.createdMs + maxMakingMs
    if (!isOpen || clock.now() < completedMs) return job
    return { ...job, state: { type: 'failed', completedMs, ...lostJob } }
  }

  return {
    async begin(request, { requestId, owner, size }) {
      if (isClosed) throw new UnavailableError('shutting_down')
      if (running.size >= maxRunning)
        throw new UnavailableError('queue_full', { message: 'Too many videos are being made.' })
      const createdMs = clock.now()
      const job: VideoJob = {
        id: `video_${randomUUID().replaceAll('-', '')}`,
        owner,
        model: request.model.id,
        prompt: request.prompt,
        size,
        durationS: request.durationS,
        createdMs,
        expiresMs: createdMs + jobLifeMs,
        state: { type: 'queued' },
      }
      const abort = new AbortController()
      const stored = store.add(job, jobLifeMs)
      const done = stored
        .then(() => make(job, request, requestId, abort))
        .finally(() => running.delete(job.id))
      running.set(job.id, { abort, done })
      done.catch((error: unknown) => logger.error({ requestId, err: error }, 'a video job was lost'))
      await stored
      return job
    },
    async find(id, owner) {
      const job = await store.get(id)
      return job?.owner === owner ? settle(job) : undefined
    },
    list: async (owner) => (await store.list(owner)).map(settle),
    async remove(id, owner) {
      const job = await store.get(id)
      if (job?.owner !== owner) return false
      running.get(id)?.abort.abort()
      await store.delete(id)
      return true
    },
    async close() {
      isClosed = true
      const open = [...running.values()]
      for (const { abort } of open) abort.abort(new UnavailableError('shutting_down'))
      await Promise.allSettled(open.map(({ done }) => done))
    },
  }
}

const lostJob = { code: 'internal_error', message: 'The server ended before the video was made.' } as const

/** 100 is for what is finished. */
const percentOf = (done: number, tasks: number): number =>
  Math.min(Math.floor((done / Math.max(tasks, 1)) * 100), 99)
