import type { VideoJob } from '../core/video-job.ts'
import type { Store, StoredDocument } from '../store/store.ts'

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
  store: Pick<
    Store,
    'saveDocument' | 'replaceDocument' | 'findDocument' | 'listDocuments' | 'removeDocument'
  >,
): VideoJobStore {
  return {
    add: (job, lifeMs) =>
      store.saveDocument('video-job', { id: job.id, owner: job.owner, text: JSON.stringify(job), lifeMs }),
    update: (job) => store.replaceDocument('video-job', job.id, JSON.stringify(job)),
    async get(id) {
      const kept = await store.findDocument('video-job', id)
      return kept && read(kept)
    },
    list: async (owner) => (await store.listDocuments('video-job', owner, maxListed)).map(read),
    delete: async (id) => void (await store.removeDocument('video-job', id)),
  }
}

const read = ({ text }: StoredDocument): VideoJob => JSON.parse(text) as VideoJob
