import { randomUUID } from 'node:crypto'
import type { ChatMessage, ChatPrompt } from '../../core/chat-request.ts'
import type { ImageRequest, MediaRequest, VideoRequest } from '../../core/media-request.ts'
import { type EncodeOptions, encodeContent, mediaMessage, nearestAspectRatio } from '../encode-parts.ts'

/** The body of a gen-2 chat ask. Source: WIRE 5.1, 7.3 */
export function encodeAgentRequest({ model, messages }: ChatPrompt, options: EncodeOptions) {
  const [leadModel] = model.upstreamIds.agent
  return {
    type: 'ai_chat',
    ai_chat_model: leadModel,
    ai_chat_enable_search: model.search,
    ai_chat_disable_personalization: false,
    use_moa_proxy: model.mixture,
    moa_models: model.mixture ? model.upstreamIds.agent : [],
    ...encodeAskFrame(messages, options),
    chat_session_id: null,
  }
}

/** The body of a gen-2 image or video ask. Source: WIRE 5.6, 5.7 */
export function encodeAgentMediaRequest(request: MediaRequest, options: EncodeOptions) {
  return {
    type: `${request.kind}_generation_agent`,
    model_params: request.kind === 'image' ? imageParams(request) : videoParams(request),
    ...encodeAskFrame([mediaMessage(request)], options),
    chat_session_id: randomUUID(),
  }
}

// biome-ignore format: a list to be read as one
const imageRatios = [
  '21:9', '2:1', '16:9', '3:2', '4:3', '1:1', '3:4', '2:3', '9:16', '1:2', '9:21', '5:4', '4:5',
]
const videoRatios = ['9:16', '16:9', '3:4', '1:1', '4:3']

function imageParams({ model, aspectRatio, imageSize, quality, style, count }: ImageRequest) {
  return {
    type: 'image',
    model: model.upstreamIds.agent,
    ...(model.upstreamIds.agent === 'gpt-image-2.5' && { tier: 'flare' }),
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

/** What a gen-2 ask of any kind has, in the form of the web page, always with the whole history. Its `session_state`, a second
 *  copy of all messages, is left out: clients do without, and it would double every image. Source: WIRE 5.1, 5.2 */
function encodeAskFrame(messages: readonly ChatMessage[], { chatId, token, files }: EncodeOptions) {
  const newest = messages.findLastIndex((message) => message.role === 'user')
  const wireMessages = messages.map((message, index) => ({
    role: message.role,
    id: randomUUID(),
    content: encodeContent(message.parts, files),
    ...(index === newest && {
      pending: true,
      sendStatus: 'sending',
      _deepDiveStateNegContent: textOf(message),
    }),
  }))
  return {
    writingContent: null,
    sas_ask_origin: 'typed',
    project_id: chatId ?? null,
    messages: wireMessages,
    user_s_input: newest === -1 ? '' : textOf(messages[newest]),
    ...(newest !== -1 && { client_message_id: wireMessages[newest]?.id }),
    ...(token !== undefined && { g_recaptcha_token: token }),
    is_private: true,
    push_token: '',
    last_seen_event_index: -1,
  }
}

function textOf(message: ChatMessage | undefined): string {
  const texts = message?.parts.map((part) => (part.type === 'text' ? part.text : '')) ?? []
  return texts.filter((text) => text !== '').join('\n')
}
