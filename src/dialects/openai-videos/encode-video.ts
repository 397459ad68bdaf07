import type { VideoJob } from '../../core/video-job.ts'

/** A video task as the official client reads it. What the client left to the model is `auto`: the site does not say. */
export function encodeVideo(job: VideoJob) {
  const { state } = job
  const ended = state.type === 'completed' || state.type === 'failed'
  return {
    id: job.id,
    object: 'video',
    model: job.model,
    status: state.type === 'in-progress' ? 'in_progress' : state.type,
    progress: state.type === 'completed' ? 100 : state.type === 'in-progress' ? state.percent : 0,
    created_at: toSeconds(job.createdMs),
    completed_at: ended ? toSeconds(state.completedMs) : null,
    expires_at: toSeconds(job.expiresMs),
    prompt: job.prompt,
    seconds: job.durationS === undefined ? 'auto' : String(job.durationS),
    size: job.size ?? 'auto',
    remixed_from_video_id: null,
    error: state.type === 'failed' ? { code: state.code, message: state.message } : null,
  }
}

export function encodeDeletedVideo(id: string) {
  return { id, object: 'video.deleted', deleted: true }
}

const toSeconds = (ms: number): number => Math.floor(ms / 1000)
