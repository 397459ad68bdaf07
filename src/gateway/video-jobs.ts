import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { ServiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { collectFiles, type MediaEvent } from '../core/media-event.ts'
import type { VideoRequest } from '../core/media-request.ts'
import type { VideoJob, VideoJobState } from '../core/video-job.ts'
import type { Store, StoredDocument } from '../store/store.ts'
import type { ResumeMediaInput } from '../upstream/upstream.ts'
import { type BackgroundWork, createBackgroundWork, maxBackgroundMs } from './background-work.ts'
import type { MediaAnswer, RunMedia } from './media.ts'
import type { Processes } from './processes.ts'

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
  readonly whenNone: BackgroundWork['whenNone']
  readonly count: number
  /** Gives up what is being made; what the site has taken on another process goes on with. */
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
  /** Goes on with what another process began; undefined: its account is gone. Absent: nobody can. */
  readonly resumeMedia?: (
    begun: NonNullable<VideoJob['begun']>,
    input: Pick<ResumeMediaInput, 'request' | 'signal'>,
  ) => MediaAnswer | undefined
  /** Absent: nobody knows of other processes. */
  readonly processes?: Processes
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
  const { runMedia, resumeMedia, processes, clock, logger, store } = options
  const { maxRunning = 32, promptsStored = true } = options
  const work = createBackgroundWork({ logger, product: 'video', maxRunning })

  async function make(
    asked: VideoJob,
    requestId: string,
    signal: AbortSignal,
    begin: () => Promise<MediaAnswer>,
  ): Promise<void> {
    let job: VideoJob = { ...asked, ...(processes && { process: processes.own }) }
    const enter = async (state: VideoJobState) => {
      job = { ...job, state }
      const isThere = await store.replaceDocument('video-job', job.id, JSON.stringify(job))
      // It was deleted, perhaps on another replica.
      if (!isThere) void work.cancel(job.id)
    }
    async function* noted({ account, events }: MediaAnswer): AsyncGenerator<MediaEvent> {
      for await (const event of events) {
        if (event.type === 'accepted' && event.resume && event.resume.taskIds.length > 0) {
          job = { ...job, begun: { accountKey: account.key, resume: event.resume } }
          await enter(job.state)
        }
        yield event
      }
    }
    const ended = await processes?.begin()
    try {
      const answer = await begin()
      const { account } = answer
      await enter({ type: 'in-progress', percent: 0 })
      const [file] = await collectFiles(noted(answer), ({ done, tasks }) =>
        enter({ type: 'in-progress', percent: percentOf(done, tasks) }),
      )
      await enter({ type: 'completed', completedMs: clock.now(), accountKey: account.key, file })
    } catch (error) {
      if (!(error instanceof ServiceError) && !signal.aborted)
        logger.error({ requestId, err: error }, 'unexpected error in a video job')
      // The site goes on with it, and so does whoever lives.
      if (job.begun && isShutdown(signal)) return
      const { code, message } = error instanceof ServiceError ? error : new ServiceError('internal_error')
      await enter({ type: 'failed', completedMs: clock.now(), code, message })
    } finally {
      ended?.()
    }
  }

  /** A job whose process is gone is gone on with, if the site has taken it on; else it has failed. So has one that is older than
   *  any work. */
  async function settle({ text }: StoredDocument): Promise<VideoJob> {
    const job: VideoJob = JSON.parse(text)
    const isOpen = job.state.type === 'queued' || job.state.type === 'in-progress'
    if (!isOpen) return job
    const completedMs = job.createdMs + maxBackgroundMs
    const isOld = clock.now() >= completedMs
    if (!isOld && !(await processes?.isGone(job.process))) return job
    if (!isOld && goOnWith(job)) return job
    return { ...job, state: { type: 'failed', completedMs: Math.min(completedMs, clock.now()), ...lostJob } }
  }

  /** @returns whether somebody makes it, as of now perhaps this process */
  function goOnWith(job: VideoJob): boolean {
    const { begun, id } = job
    if (!begun || !resumeMedia) return false
    if (work.has(id)) return true
    const request = { kind: 'video', prompt: job.prompt } as const
    try {
      work.begin(id, (signal) => {
        const answer = resumeMedia(begun, { request, signal })
        return answer ? make(job, id, signal, async () => answer) : fail(job)
      })
      logger.info({ id }, 'a video of a process that is gone is waited for')
      return true
    } catch {
      // There is too much to do, or the service ends: another asks later.
      return true
    }
  }

  async function fail(job: VideoJob): Promise<void> {
    const state: VideoJobState = { type: 'failed', completedMs: clock.now(), ...lostJob }
    await store.replaceDocument('video-job', job.id, JSON.stringify({ ...job, state }))
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
        ...(processes && { process: processes.own }),
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
        await make(job, requestId, signal, () => runMedia(request, { requestId, caller: owner, signal }))
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
    list: async (owner) =>
      Promise.all((await store.listDocuments('video-job', owner, maxListed)).map(settle)),
    async remove(id, owner) {
      if (!(await find(id, owner))) return false
      void work.cancel(id)
      await store.removeDocument('video-job', id)
      return true
    },
    whenNone: work.whenNone,
    get count() {
      return work.count
    },
    close: work.close,
  }
}

const isShutdown = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && reason instanceof ServiceError && reason.code === 'shutting_down'

const lostJob = { code: 'internal_error', message: 'The server ended before the video was made.' } as const

/** 100 is for what is finished. */
const percentOf = (done: number, tasks: number): number =>
  Math.min(Math.floor((done / Math.max(tasks, 1)) * 100), 99)
