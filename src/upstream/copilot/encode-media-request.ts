import type { ImageRequest, MediaRequest, VideoRequest } from '../../core/media-request.ts'
import { encodeContent } from '../encode-content.ts'
import { mediaMessage } from '../encode-media-message.ts'
import type { EncodeOptions } from '../encode-options.ts'
import { nearestAspectRatio } from '../nearest-aspect-ratio.ts'
import { queryString } from './query-string.ts'

/** The body of a gen-1 image or video ask. Source: UPSTREAM 4.1, 4.3, 4.4 */
export function encodeCopilotMediaRequest(request: MediaRequest, { chatId, token }: EncodeOptions) {
  const type = request.kind === 'image' ? 'COPILOT_MOA_IMAGE' : 'COPILOT_MOA_VIDEO'
  const { role, parts } = mediaMessage(request)
  return {
    type,
    current_query_string: queryString(type, chatId),
    messages: [{ role, content: encodeContent(parts), is_prompt: false, session_state: null }],
    action_params: {},
    user_s_input: request.prompt,
    extra_data: request.kind === 'image' ? imageData(request) : videoData(request),
    ...(token !== undefined && { g_recaptcha_token: token }),
  }
}

const imageRatios = ['9:16', '2:3', '3:4', '1:1', '4:3', '3:2', '16:9']
const videoRatios = ['9:16', '16:9', '3:4', '1:1', '4:3']

const styles = new Set([
  ...[
    'auto',
    'realistic_image',
    'cartoon',
    'watercolor',
    'anime',
    'oil_painting',
    '3d',
    'minimalist',
    'pop_art',
  ],
])

/** Each configuration makes a task of its own: so several pictures are asked for. */
function imageData({ model, aspectRatio, imageSize, quality, style, count }: ImageRequest) {
  const config = {
    model: model.upstreamIds.copilot,
    aspect_ratio: nearestAspectRatio(aspectRatio, imageRatios) ?? 'auto',
    use_personalized_models: false,
    fashion_profile_id: null,
    hd: quality === 'hd' || quality === 'high',
    reflection_enabled: false,
    style: style !== undefined && styles.has(style) ? style : 'auto',
    ...(imageSize !== undefined && { image_size: imageSize }),
  }
  return {
    model_configs: Array.from({ length: count }, () => config),
    llm_model: 'gpt-4o',
    imageModelMap: {},
    writingContent: null,
  }
}

function videoData({ model, aspectRatio, durationS, autoPrompt }: VideoRequest) {
  const config = {
    model: model.upstreamIds.copilot,
    aspect_ratio: nearestAspectRatio(aspectRatio, videoRatios) ?? '16:9',
    reflection_enabled: autoPrompt,
    duration: durationS ?? defaultDurationS,
  }
  return { model_configs: [config], imageModelMap: {} }
}

const defaultDurationS = 5
