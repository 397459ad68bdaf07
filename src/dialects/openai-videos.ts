// Dialect `openai-videos`: the one-shot form of this project's predecessor and OpenAI's task form, parsed and encoded.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP.

import { z } from 'zod'
import type { MediaFile } from '../core/media-event.ts'
import type { MediaModel, VideoRequest } from '../core/media-request.ts'
import type { VideoJob } from '../core/video-job.ts'
import type { GivenImage } from './attachments.ts'
import { checkShape } from './check-shape.ts'
import { encodePage, type PageQuery } from './list-page.ts'
import { formBoolean, formNumber, givenImages, parseImages, resolveMediaModel } from './media-fields.ts'
import { readRatio, readVideoSize, videoSizeOf } from './size.ts'

export interface ParsedVideoRequest {
  readonly video: Omit<VideoRequest, 'images'>
  readonly images: readonly GivenImage[]
  /** As asked. */
  readonly size: string | undefined
}

/** One parser for both forms: the predecessor's `aspect_ratio`, `duration`, `auto_prompt`, `image` and OpenAI's `size`, `seconds`,
 *  `input_reference`. Fields that are not read here are ignored.
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault, `model_not_found` */
export async function parseVideoRequest(
  body: unknown,
  resolve: (name: string) => MediaModel | undefined,
): Promise<ParsedVideoRequest> {
  const request = checkShape(requestSchema, body)
  const { image, input_reference, aspect_ratio } = request
  const size = request.size || undefined
  const videoSize = request.video_size ?? request.resolution ?? (size && videoSizeOf(size))
  const sound = request.audio_enable ?? request.generate_audio
  return {
    video: {
      kind: 'video',
      model: resolveMediaModel(request.model ?? defaultModel, resolve),
      prompt: request.prompt,
      aspectRatio: aspect_ratio ? readRatio(aspect_ratio, 'aspect_ratio') : size && readVideoSize(size),
      durationS: request.duration ?? request.seconds ?? undefined,
      autoPrompt: request.auto_prompt ?? false,
      ...(videoSize && { videoSize }),
      ...(request.tier && { tier: request.tier }),
      ...(typeof sound === 'boolean' && { sound }),
    },
    images: [
      ...(await parseImages(image, 'image')),
      ...(await parseImages(input_reference, 'input_reference')),
    ],
    size,
  }
}

/** What OpenAI's SDK takes when none is named. */
const defaultModel = 'sora-2'

const word = z.string().trim().max(64).nullish()
const seconds = formNumber(1, 600).nullish()

const requestSchema = z.object({
  model: z.string().trim().min(1).max(256).nullish(),
  prompt: z.string().trim().min(1).max(100_000),
  aspect_ratio: word,
  size: word,
  duration: seconds,
  seconds,
  auto_prompt: formBoolean.nullish(),
  video_size: word,
  resolution: word,
  tier: word,
  audio_enable: formBoolean.nullish(),
  generate_audio: formBoolean.nullish(),
  image: givenImages.nullish(),
  input_reference: givenImages.nullish(),
})

/** The predecessor's answer: the files themselves.
 *  @param created  epoch seconds
 *  @param link  the URL under which the client can load a file */
export function encodeVideos(
  created: number,
  files: readonly MediaFile[],
  link: (file: MediaFile) => string,
) {
  const data = files.map((file) => ({
    url: link(file),
    ...(file.revisedPrompt !== undefined && { revised_prompt: file.revisedPrompt }),
  }))
  return { created, data }
}

/** A video task as OpenAI's client reads it. A length or size that was left to the model is `auto`: the site does not say it. */
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

/** A page of the jobs; the newest come first unless `order` is `asc`. */
export function encodeVideoList(newestFirst: readonly VideoJob[], query: PageQuery) {
  const { data, ...page } = encodePage(newestFirst, query)
  return { ...page, data: data.map(encodeVideo) }
}

export function encodeDeletedVideo(id: string) {
  return { id, object: 'video.deleted', deleted: true }
}

const toSeconds = (ms: number): number => Math.floor(ms / 1000)
