import { createAccount } from '../../../src/core/account.ts'
import type { MediaEvent, MediaFile } from '../../../src/core/media-event.ts'
import type { ImageRequest, MediaRequest, VideoRequest } from '../../../src/core/media-request.ts'
import type { RunMedia } from '../../../src/gateway/media.ts'
import type { SiteFile } from '../../../src/upstream/upstream.ts'

export const account = createAccount('session_id=secret-of-the-account')

export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
export const jpeg = Buffer.from('/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////2Q==', 'base64')

export const publicFile = { url: 'https://cdn.example.com/a.png', needsCookie: false }
export const cookieFile = { url: 'https://www.genspark.ai/api/files/s/abc', needsCookie: true }

export interface MadeMedia {
  readonly asked: MediaRequest[]
  readonly runMedia: RunMedia
}

/** Makes these files, and remembers what was asked for. */
export function making(...files: readonly MediaFile[]): MadeMedia {
  return answering([
    { type: 'accepted', tasks: 2 },
    { type: 'progress', done: 1, tasks: 2 },
    { type: 'finished', files, failures: [] },
  ])
}

export function answering(events: readonly MediaEvent[]): MadeMedia {
  const asked: MediaRequest[] = []
  const runMedia: RunMedia = (request) => {
    asked.push(request)
    return Promise.resolve({ account, events: each(events) })
  }
  return { asked, runMedia }
}

export async function* each<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values
}

export function siteFile(bytes: Uint8Array, contentType?: string): SiteFile {
  return { contentType, contentLength: bytes.length, body: each([bytes.subarray(0, 5), bytes.subarray(5)]) }
}

const ownShape = { aspectRatio: undefined, imageSize: undefined, quality: undefined, style: undefined }

export const dallE = {
  id: 'dall-e-3',
  kind: 'image',
  upstreamIds: { copilot: 'dall-e-3', agent: 'dall-e-3' },
} as const
export const sora = {
  id: 'sora-2',
  kind: 'video',
  upstreamIds: { copilot: 'sora-2', agent: 'sora-2' },
} as const

/** What an image request is, but for these fields. */
export function imageRequest(fields: Partial<ImageRequest>): ImageRequest {
  return { kind: 'image', model: dallE, prompt: 'A cat', count: 1, ...ownShape, images: [], ...fields }
}

export function videoRequest(fields: Partial<VideoRequest>): VideoRequest {
  const own = { aspectRatio: undefined, durationS: undefined, autoPrompt: false }
  return { kind: 'video', model: sora, prompt: 'A cat', ...own, images: [], ...fields }
}

export const imagePart = (bytes: Buffer, mimeType: string) =>
  ({ type: 'image', mimeType, base64: bytes.toString('base64') }) as const
