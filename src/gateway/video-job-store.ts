import type { VideoJob } from '../core/video-job.ts'

/** Where video jobs are kept. Jobs are plain data, and every call may take its time, so that a shared store fits as well. */
export interface VideoJobStore {
  add(job: VideoJob): Promise<void>
  /** Does nothing for a job that was deleted or forgotten. */
  update(job: VideoJob): Promise<void>
  get(id: string): Promise<VideoJob | undefined>
  /** Newest first. */
  list(owner: string): Promise<readonly VideoJob[]>
  delete(id: string): Promise<void>
}

/** Keeps jobs until they expire, and no more than `maxJobs`: the oldest is forgotten first. */
export function createMemoryVideoJobStore(now: () => number, maxJobs = 1000): VideoJobStore {
  /** Oldest first, which is also the order in which they expire. */
  const jobs = new Map<string, VideoJob>()

  function forgetOld(): void {
    for (const [id, job] of jobs) {
      if (job.expiresMs > now() && jobs.size <= maxJobs) return
      jobs.delete(id)
    }
  }

  return {
    async add(job) {
      jobs.set(job.id, job)
      forgetOld()
    },
    async update(job) {
      if (jobs.has(job.id)) jobs.set(job.id, job)
    },
    async get(id) {
      forgetOld()
      return jobs.get(id)
    },
    async list(owner) {
      forgetOld()
      return [...jobs.values()].filter((job) => job.owner === owner).reverse()
    },
    async delete(id) {
      jobs.delete(id)
    },
  }
}
