import type { VideoJob } from '../core/video-job.ts'
import type { KeptText, Store } from '../store/store.ts'

/** Video jobs among what replicas share. All throw {UnavailableError} `dependency_unavailable`. */
export interface VideoJobStore {
  add(job: VideoJob, lifeMs: number): Promise<void>
  /** @returns false for a job that was deleted or forgotten */
  update(job: VideoJob): Promise<boolean>
  get(id: string): Promise<VideoJob | undefined>
  /** Newest first. */
  list(owner: string): Promise<readonly VideoJob[]>
  delete(id: string): Promise<void>
}

const maxListed = 1000

export function createVideoJobStore(
  store: Pick<Store, 'keepText' | 'replaceText' | 'keptText' | 'keptTexts' | 'dropText'>,
): VideoJobStore {
  return {
    add: (job, lifeMs) =>
      store.keepText('video-job', { id: job.id, owner: job.owner, text: JSON.stringify(job), lifeMs }),
    update: (job) => store.replaceText('video-job', job.id, JSON.stringify(job)),
    async get(id) {
      const kept = await store.keptText('video-job', id)
      return kept && read(kept)
    },
    list: async (owner) => (await store.keptTexts('video-job', owner, maxListed)).map(read),
    delete: async (id) => void (await store.dropText('video-job', id)),
  }
}

const read = ({ text }: KeptText): VideoJob => JSON.parse(text) as VideoJob
