import type { ImagePart } from '../../core/chat-request.ts'
import type { MediaRequest } from '../../core/media-request.ts'

export interface ToolCall {
  readonly path: string
  readonly body: object
}

/** The call of the tool that makes one picture or video. How tools take pictures is not published; they go as data URLs.
 *  Source: UPSTREAM 11, as the vendor's own command line calls them */
export function encodeToolCall(request: MediaRequest): ToolCall {
  const { kind, model, prompt, aspectRatio, images } = request
  const common = {
    query: prompt,
    model: model.upstreamIds.agent,
    ...(aspectRatio !== undefined && { aspect_ratio: aspectRatio }),
    ...(images.length > 0 && { image_urls: images.map(dataUrl) }),
  }
  switch (kind) {
    case 'image': {
      const { imageSize, quality, style } = request
      const body = {
        ...common,
        ...(imageSize !== undefined && { image_size: imageSize }),
        ...(quality !== undefined && { quality }),
        ...(style !== undefined && { style }),
      }
      return { path: '/api/tool_cli/image_generation', body }
    }
    case 'video': {
      const { durationS, autoPrompt } = request
      const body = {
        ...common,
        ...(durationS !== undefined && { duration: durationS }),
        auto_prompt: autoPrompt,
      }
      return { path: '/api/tool_cli/video_generation', body }
    }
    default:
      return request satisfies never
  }
}

const dataUrl = ({ mimeType, base64 }: ImagePart): string => `data:${mimeType};base64,${base64}`
