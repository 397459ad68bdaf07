import type { ChatMessage, ChatModel, ChatPrompt } from '../../core/chat-request.ts'
import type { ImageRequest, MediaRequest, VideoRequest } from '../../core/media-request.ts'
import { type EncodeOptions, encodeContent, mediaMessage, nearestAspectRatio } from '../encode-parts.ts'
import type { StoredFiles } from '../upload-files.ts'

/** The body of a gen-1 chat ask, always with the whole history. Source: WIRE 4.1, 4.2, 4.5 */
export function encodeCopilotRequest(
  { model, messages }: ChatPrompt,
  { chatId, token, files }: EncodeOptions,
) {
  const type = 'COPILOT_MOA_CHAT'
  return {
    type,
    current_query_string: queryString(type, chatId),
    messages: messages.map((message) => encodeMessage(message, model, files)),
    action_params: {},
    extra_data: {
      models: model.upstreamIds.copilot,
      run_with_another_model: false,
      writingContent: null,
      request_web_knowledge: model.search,
    },
    ...(token !== undefined && { g_recaptcha_token: token }),
  }
}

function encodeMessage(message: ChatMessage, model: ChatModel, files: StoredFiles | undefined) {
  const models = model.upstreamIds.copilot
  const isR1 = models.includes('deep-seek-r1')
  return {
    role: isR1 && message.role === 'system' ? 'user' : message.role,
    content: encodeContent(message.parts, files),
    is_prompt: false,
    // Only this model needs its own answers marked (WIRE 4.5).
    session_state:
      isR1 && message.role === 'assistant'
        ? { models, layers: 0, answer: '', answer_is_finished: false }
        : null,
  }
}

/** The body of a gen-1 image or video ask. Source: WIRE 4.1, 4.3, 4.4 */
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

// biome-ignore format: a list to be read as one
const styles = new Set([
  'auto', 'realistic_image', 'cartoon', 'watercolor', 'anime', 'oil_painting', '3d', 'minimalist', 'pop_art',
])

/** Several pictures are asked for by repeating the configuration: each makes a task of its own. */
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

/** Mirrors the URL of the page: a new project, or one that is continued. Source: WIRE 4.1 */
const queryString = (type: string, chatId: string | undefined): string =>
  chatId === undefined ? `type=${type}` : `id=${chatId}&type=${type}`
