import { randomUUID } from 'node:crypto'
import type { ImageRequest, MediaRequest, VideoRequest } from '../../core/media-request.ts'
import { mediaMessage } from '../encode-media-message.ts'
import type { EncodeOptions } from '../encode-options.ts'
import { nearestAspectRatio } from '../nearest-aspect-ratio.ts'
import { encodeAskFrame } from './ask-frame.ts'

/** The body of a gen-2 image or video ask. Source: UPSTREAM 5.6, 5.7 */
export function encodeAgentMediaRequest(request: MediaRequest, options: EncodeOptions) {
  return {
    type: `${request.kind}_generation_agent`,
    model_params: request.kind === 'image' ? imageParams(request) : videoParams(request),
    ...encodeAskFrame([mediaMessage(request)], options),
    chat_session_id: randomUUID(),
  }
}

const imageRatios = [
  ...['21:9', '2:1', '16:9', '3:2', '4:3', '1:1', '3:4', '2:3', '9:16', '1:2', '9:21', '5:4', '4:5'],
]
const videoRatios = ['9:16', '16:9', '3:4', '1:1', '4:3']

function imageParams({ model, aspectRatio, imageSize, quality, style, count }: ImageRequest) {
  return {
    type: 'image',
    model: model.upstreamIds.agent,
    aspect_ratio: nearestAspectRatio(aspectRatio, imageRatios) ?? 'auto',
    auto_prompt: false,
    style: style ?? 'auto',
    image_size: imageSize ?? 'auto',
    quality: quality ?? 'auto',
    background_mode: true,
    camera_control: null,
    generation_count: count,
  }
}

function videoParams({ model, aspectRatio, durationS }: VideoRequest) {
  return {
    type: 'video',
    model: model.upstreamIds.agent,
    aspect_ratio: nearestAspectRatio(aspectRatio, videoRatios) ?? '16:9',
    duration: String(durationS ?? defaultDurationS),
    video_size: 'auto',
    generation_count: 1,
  }
}

const defaultDurationS = 5
