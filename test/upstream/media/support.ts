import type { MediaEvent, MediaFile } from '../../../src/core/media-event.ts'
import type { ImageRequest, VideoRequest } from '../../../src/core/media-request.ts'
import type { AskMediaInput, Upstream } from '../../../src/upstream/upstream.ts'
import { account } from '../support.ts'

export function imageRequest(request: Partial<ImageRequest> = {}): ImageRequest {
  return {
    kind: 'image',
    model: {
      id: 'nano-banana',
      kind: 'image',
      upstreamIds: { copilot: 'nano-banana-2', agent: 'gpt-image-2' },
    },
    prompt: 'A red ball',
    count: 1,
    aspectRatio: undefined,
    imageSize: undefined,
    quality: undefined,
    style: undefined,
    images: [],
    ...request,
  }
}

export function videoRequest(request: Partial<VideoRequest> = {}): VideoRequest {
  return {
    kind: 'video',
    model: { id: 'sora-2', kind: 'video', upstreamIds: { copilot: 'sora-2', agent: 'sora-2' } },
    prompt: 'A red ball that rolls',
    aspectRatio: undefined,
    durationS: undefined,
    autoPrompt: false,
    images: [],
    ...request,
  }
}

export interface MediaOutcome {
  readonly events: readonly MediaEvent[]
  readonly error: unknown
}

/** Asks and reads to the end, whatever it is. */
export async function askMediaWhole(
  upstream: Upstream,
  input: Partial<AskMediaInput> & Pick<AskMediaInput, 'request'>,
): Promise<MediaOutcome> {
  const events: MediaEvent[] = []
  const { signal } = new AbortController()
  try {
    for await (const event of upstream.askMedia({ generation: 'agent', account, signal, ...input }))
      events.push(event)
    return { events, error: undefined }
  } catch (error) {
    return { events, error }
  }
}

export function filesOf({ events }: MediaOutcome): readonly MediaFile[] {
  const last = events.at(-1)
  return last?.type === 'finished' ? last.files : []
}
