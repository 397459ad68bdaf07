import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAccount } from '../../src/core/account.ts'
import { UnavailableError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { VideoRequest } from '../../src/core/media-request.ts'
import { maxBackgroundMs } from '../../src/gateway/background-work.ts'
import type { RunMedia } from '../../src/gateway/media.ts'
import { createVideoJobs } from '../../src/gateway/video-jobs.ts'
import { createEmbeddedStore } from '../../src/store/embedded-store.ts'

const request: VideoRequest = {
  kind: 'video',
  model: { id: 'sora-2', kind: 'video', upstreamIds: { copilot: 'sora-2', agent: 'sora-2' } },
  prompt: 'A cat',
  aspectRatio: undefined,
  durationS: undefined,
  autoPrompt: false,
  images: [],
}
const about = { requestId: 'r1', owner: 'me', size: undefined }
const day = 24 * 60 * 60 * 1000

const file = { url: 'https://www.genspark.ai/api/files/s/abc', needsCookie: true }
const done: RunMedia = async () => ({ account: createAccount('session_id=a'), events: finished() })
async function* finished() {
  yield { type: 'finished', files: [file], failures: [] } as const
}
const never: RunMedia = (_request, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

function start(options: { runMedia?: RunMedia; maxRunning?: number; maxJobs?: number } = {}) {
  const clock = { nowMs: 1_790_000_000_000, now: () => clock.nowMs }
  const store = createEmbeddedStore({
    dataDir: undefined,
    clock,
    chooseAccount: ([first]) => first as never,
    logger: silentLogger,
    ...(options.maxJobs !== undefined && { maxDocuments: options.maxJobs }),
  })
  const jobs = createVideoJobs({ runMedia: done, clock, logger: silentLogger, store, ...options })
  return { clock, jobs, store }
}

describe('video jobs', () => {
  it('are forgotten after a day', async () => {
    const { clock, jobs } = start()
    const { id } = await jobs.begin(request, about)
    clock.nowMs += day - 1
    expect(await jobs.find(id, 'me')).toBeDefined()
    clock.nowMs += 1
    expect(await jobs.find(id, 'me')).toBeUndefined()
    expect(await jobs.list('me')).toEqual([])
  })

  it('are kept to a number, the newest ones', async () => {
    const { jobs } = start({ maxJobs: 2 })
    const [first, second, third] = [
      await jobs.begin(request, about),
      await jobs.begin(request, about),
      await jobs.begin(request, about),
    ]
    expect((await jobs.list('me')).map(({ id }) => id)).toEqual([third.id, second.id])
    expect(await jobs.find(first.id, 'me')).toBeUndefined()
  })

  it('are given up when they were deleted elsewhere', async () => {
    const left = Promise.withResolvers<AbortSignal>()
    const begun = Promise.withResolvers<void>()
    const runMedia: RunMedia = async (_request, { signal }) => {
      await begun.promise
      left.resolve(signal)
      return { account: createAccount('session_id=a'), events: finished() }
    }
    const { jobs, store } = start({ runMedia })
    const { id } = await jobs.begin(request, about)
    await store.removeDocument('video-job', id)
    begun.resolve()
    const signal = await left.promise
    await expect.poll(() => signal.aborted).toBe(true)
    expect(await jobs.find(id, 'me')).toBeUndefined()
  })

  it('have failed when nobody makes them any more', async () => {
    const { clock, jobs } = start({ runMedia: never })
    const { id } = await jobs.begin(request, about)
    clock.nowMs += 2 * 60 * 60 * 1000
    expect((await jobs.find(id, 'me'))?.state).toMatchObject({ type: 'failed', code: 'internal_error' })
    await jobs.close()
  })

  it('are stopped when they take too long', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const signals: AbortSignal[] = []
    const runMedia: RunMedia = (asked, call) => {
      signals.push(call.signal)
      return never(asked, call)
    }
    const { jobs } = start({ runMedia })
    const { id } = await jobs.begin(request, about)
    vi.advanceTimersByTime(maxBackgroundMs - 1)
    expect(signals).toMatchObject([{ aborted: false }])
    vi.advanceTimersByTime(1)
    expect(signals).toMatchObject([{ aborted: true }])
    await jobs.close()
    expect((await jobs.find(id, 'me'))?.state).toMatchObject({
      type: 'failed',
      code: 'upstream_total_timeout',
      message: 'This video took too long.',
    })
  })

  it('are refused while too many are being made', async () => {
    const { jobs } = start({ runMedia: never, maxRunning: 2 })
    const { id } = await jobs.begin(request, about)
    await jobs.begin(request, about)
    await expect(jobs.begin(request, about)).rejects.toMatchObject({ code: 'queue_full' })
    await jobs.remove(id, 'me')
    await jobs.close()
  })

  it('H1: are given up when the service ends, and no new one begins', async () => {
    const { jobs } = start({ runMedia: never })
    const { id } = await jobs.begin(request, about)
    await jobs.close()
    expect((await jobs.find(id, 'me'))?.state).toMatchObject({ type: 'failed', code: 'shutting_down' })
    await expect(jobs.begin(request, about)).rejects.toBeInstanceOf(UnavailableError)
  })

  it('fail when their answer ends without an end', async () => {
    async function* nothing() {}
    const runMedia: RunMedia = async () => ({ account: createAccount('session_id=a'), events: nothing() })
    const { jobs } = start({ runMedia })
    const { id } = await jobs.begin(request, about)
    await jobs.close()
    expect((await jobs.find(id, 'me'))?.state).toMatchObject({ type: 'failed', code: 'upstream_reset' })
  })
})
