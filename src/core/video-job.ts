import type { ErrorCode } from './errors.ts'
import type { MediaFile, MediaResume } from './media-event.ts'

/** A video that is being made or was made; plain data, so that any store can keep it. */
export interface VideoJob {
  readonly id: string
  /** Nobody else finds it. */
  readonly owner: string
  /** The model's name as asked. */
  readonly model: string
  readonly prompt: string
  /** As asked, e.g. `1280x720`. */
  readonly size: string | undefined
  /** Of the video; undefined: the model's own length. */
  readonly durationS: number | undefined
  readonly createdMs: number
  /** It is forgotten then. */
  readonly expiresMs: number
  readonly state: VideoJobState
  /** The process that makes it. */
  readonly process?: string
  /** The site has taken it on: whoever lives can go on waiting for it. */
  readonly begun?: { readonly accountKey: string; readonly resume: MediaResume }
}

export type VideoJobState =
  /** No account has taken it on yet. */
  | { readonly type: 'queued' }
  /** `percent` 0 to 99. */
  | { readonly type: 'in-progress'; readonly percent: number }
  | {
      readonly type: 'completed'
      readonly completedMs: number
      /** Whose cookie opens the file. */
      readonly accountKey: string
      readonly file: MediaFile
    }
  | {
      readonly type: 'failed'
      readonly completedMs: number
      readonly code: ErrorCode
      readonly message: string
    }
