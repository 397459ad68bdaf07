import type { ImagePart } from './chat-request.ts'
import type { WireGeneration } from './wire-generation.ts'

/** An image or video model of the catalogue, resolved from the name that the client asked for. */
export interface MediaModel {
  /** The name as asked; echoed to the client. */
  readonly id: string
  readonly kind: 'image' | 'video'
  /** API keys alone are served it. */
  readonly keysOnly?: boolean
  readonly upstreamIds: Readonly<Record<WireGeneration, string>>
}

export type MediaRequest = ImageRequest | VideoRequest

export interface ImageRequest {
  readonly kind: 'image'
  readonly model: MediaModel
  readonly prompt: string
  /** Pictures wanted, 1 to 10. */
  readonly count: number
  /** Any, e.g. `16:9` or `7:4`: the site is asked for the nearest that it knows (WIRE 4.3, 5.6). Undefined: `auto`. */
  readonly aspectRatio: string | undefined
  /** `1k`, `2k`, `4k`, ...; undefined: the model's own. */
  readonly imageSize: string | undefined
  readonly quality: string | undefined
  readonly style: string | undefined
  /** For image-to-image. */
  readonly images: readonly ImagePart[]
}

export interface VideoRequest {
  readonly kind: 'video'
  readonly model: MediaModel
  readonly prompt: string
  readonly aspectRatio: string | undefined
  /** Whole seconds. */
  readonly durationS: number | undefined
  readonly autoPrompt: boolean
  /** `720p`, `1080p`, `2K`, ...: of the shorter edge; for API keys, as the next two are. */
  readonly videoSize?: string
  /** `standard`, `fast`, `pro`, ... */
  readonly tier?: string
  readonly sound?: boolean
  readonly images: readonly ImagePart[]
}
