import type { MediaModel, MediaRequest, VideoRequest } from '../../core/media-request.ts'

/** What a tool for API keys takes of a model, as the vendor publishes it. */
interface MediaTerms {
  readonly ratios: readonly string[]
  /** Lower case beside the vendor's spelling, e.g. `2K`. */
  readonly sizes: readonly string[]
}

const imageTerms: MediaTerms = {
  ratios: ['1:1', '4:3', '16:9', '9:16', '3:4', '2:3', '3:2'],
  sizes: ['0.5k', '1k', '2k', '3k', '4k'],
}

/** Source: WIRE 9.5, 11 */
const images: readonly string[] = [
  'gpt-image-2',
  'nano-banana-pro',
  'nano-banana-2',
  'nano-banana-2-flash-lite',
  'fal-ai/bytedance/seedream/v5/lite',
  'fal-ai/bytedance/seedream/v5/pro',
  'xai/grok-imagine-image',
  'qwen-image-3',
  'fal-ai/flux-2-pro',
  'fal-ai/z-image/turbo',
  'fal-bria-rmbg',
  'fal-ai/recraft-clarity-upscale',
  'fal-ai/image-editing/text-removal',
  'flux-pro/outpaint',
]

const a = ['16:9', '9:16', '1:1']
const b = [...a, '4:3', '3:4']
const c = [...b, '21:9']
const wide = [...c, '9:21', '5:4', '4:5']

/** Of each video model its ratios and sizes. Source: WIRE 11.4; the vendor takes its default for what a model lacks. */
const videos: Readonly<Record<string, MediaTerms>> = {
  'kling/v3': { ratios: a, sizes: [] },
  'kling/o3': { ratios: a, sizes: [] },
  'gemini/veo3.1': { ratios: ['16:9', '9:16'], sizes: ['720p', '1080p', '4k'] },
  'gemini/omni-flash': { ratios: ['16:9', '9:16'], sizes: ['720p'] },
  'minimax/h3': { ratios: c, sizes: ['768p', '2K'] },
  'minimax/h3-max': { ratios: [], sizes: ['480p', '768p'] },
  'wan/v2.7': { ratios: a, sizes: ['480p', '720p'] },
  'wan/v3.0': { ratios: b, sizes: ['480p', '720p', '1080p'] },
  'vidu/q3': { ratios: b, sizes: ['720p', '1080p'] },
  'runway/gen4_turbo': { ratios: [], sizes: [] },
  'pixverse/v6': { ratios: b, sizes: [] },
  'pixverse/c1': { ratios: [...c, '3:2', '2:3'], sizes: ['720p', '1080p'] },
  'fal-ai/bytedance/seedance-2.0': { ratios: c, sizes: ['480p', '720p', '1080p'] },
  'fal-ai/bytedance/seedance-2.5': { ratios: c, sizes: ['480p', '720p', '1080p'] },
  'fal-ai/bytedance-upscaler/upscale/video': { ratios: [], sizes: ['2K'] },
  'xai/grok-imagine-video': { ratios: [...b, '3:2', '2:3'], sizes: ['480p', '720p', '1080p'] },
  'alibaba/happy-horse': { ratios: wide, sizes: ['720p', '1080p'] },
  'alibaba/happy-horse/reference-to-video': { ratios: wide, sizes: ['720p', '1080p'] },
  'alibaba/happy-horse/video-edit': { ratios: [], sizes: ['720p', '1080p'] },
  'bfl/flux-3-preview-high': { ratios: [...c, '2:1'], sizes: ['720p', '1080p'] },
}

/** The tool's own id of a model of the catalogue; the site's short forms are none (WIRE 9.5).
 *  @param live  the ids that the key's own list has; absent: those that are published
 *  @returns undefined: no key is served it */
export function keyMediaId(
  { id, kind, upstreamIds }: MediaModel,
  live?: readonly string[],
): string | undefined {
  const isKnown = (name: string) =>
    live?.includes(name) ?? (kind === 'image' ? images.includes(name) : Object.hasOwn(videos, name))
  return [id.toLowerCase(), upstreamIds.copilot, upstreamIds.agent].find(isKnown)
}

export const keyMediaTerms = (kind: MediaModel['kind'], id: string): MediaTerms =>
  (kind === 'image' ? imageTerms : videos[id]) ?? { ratios: [], sizes: [] }

const tiers: ReadonlySet<string> = new Set(['standard', 'fast', 'mini', 'pro', 'turbo', 'max'])

/** The fields of a video beyond its ratio: the size nearest to the wanted one among those that the model has, the tier, the sound.
 *  Source: WIRE 11.6 */
export function videoFields(
  { videoSize, tier, sound }: Pick<VideoRequest, 'videoSize' | 'tier' | 'sound'>,
  sizes: readonly string[],
) {
  const size = nearestSize(videoSize, sizes)
  return {
    ...(size !== undefined && { video_size: size }),
    ...(tier !== undefined && tiers.has(tier) && { tier }),
    ...(sound !== undefined && { audio_enable: sound }),
  }
}

/** What of the request becomes something else, in words. */
export function tellTerms(request: MediaRequest): readonly string[] {
  if (request.kind !== 'video') return []
  const { videoSize, tier } = request
  const id = keyMediaId(request.model)
  const { sizes } = keyMediaTerms('video', id ?? '')
  const size = nearestSize(videoSize, sizes)
  return [
    ...(videoSize !== undefined && size?.toLowerCase() !== videoSize.toLowerCase()
      ? [`video_size ${videoSize.slice(0, 20)} is not one of ${id}: ${size ?? 'its own'} is asked for`]
      : []),
    ...(tier !== undefined && !tiers.has(tier)
      ? [`tier ${tier.slice(0, 20)} is not used: there is none`]
      : []),
  ]
}

/** By the lines of the shorter edge. */
function nearestSize(wanted: string | undefined, sizes: readonly string[]): string | undefined {
  const lines = wanted === undefined ? Number.NaN : linesOf(wanted)
  if (Number.isNaN(lines)) return undefined
  const distance = (size: string) => Math.abs(linesOf(size) - lines)
  return sizes.toSorted((one, other) => distance(one) - distance(other))[0]
}

function linesOf(size: string): number {
  const [, figure, unit] = /^(\d+)(p|k)$/i.exec(size) ?? []
  if (unit?.toLowerCase() === 'k') return figure === '2' ? 1440 : Number(figure) * 540
  return Number(figure)
}
