import type { WireGeneration } from '../core/wire-generation.ts'

export const modelKinds = ['text', 'image', 'video'] as const
export type ModelKind = (typeof modelKinds)[number]

/** What each generation is asked for: one id, or those of a mixture (WIRE 7.3). */
export type UpstreamIds = Readonly<Record<WireGeneration, readonly [string, ...string[]]>>

/** A name that the site offers or has offered. */
export interface ModelRow {
  readonly id: string
  /** The day it was first seen on. */
  readonly seen: string
  /** Which generation offers it today; `predecessor`: none, but the predecessor's README names it. Left out: it is accepted, and
   *  not shown. */
  readonly shown?: WireGeneration | 'both' | 'predecessor'
  /** What the generation is asked for instead, as its own lists show who took whose place; left out: the id. An agent answers a
   *  name that it does not know by a model of its own choice (WIRE 5.1), so that it is never asked for one. */
  readonly agent?: string
  readonly copilot?: string
  /** API keys alone are served it (WIRE 9.5). */
  readonly keysOnly?: true
}

/** In the order in which they are shown: what the site offers today, best first, then the names of the predecessor, then those
 *  that are not shown. */
// biome-ignore format: a table, read by its rows
export const models: Readonly<Record<ModelKind, readonly ModelRow[]>> = {
  // Source: WIRE 9.1, 9.4. The o-models, Kimi and DeepSeek left `copilot` without a successor.
  text: [
    { id: 'gpt-6', seen: '2026-09-23', shown: 'agent' },
    { id: 'gpt-6-sol', seen: '2026-09-23', shown: 'agent' },
    { id: 'gpt-6-luna', seen: '2026-09-23', shown: 'agent' },
    { id: 'gpt-5.6', seen: '2026-09-23', shown: 'agent' },
    { id: 'gpt-5.6-sol', seen: '2026-09-09', shown: 'agent' },
    { id: 'gpt-5.6-terra', seen: '2026-09-09', shown: 'agent' },
    { id: 'gpt-5.6-luna', seen: '2026-09-09', shown: 'agent' },
    { id: 'gpt-5.5', seen: '2026-04-27', shown: 'agent' },
    { id: 'gpt-5.5-pro', seen: '2026-09-09', shown: 'agent' },
    { id: 'gpt-5.4', seen: '2026-04-27', shown: 'agent' },
    { id: 'gpt-5.4-pro', seen: '2026-04-27', shown: 'agent' },
    { id: 'gpt-5.4-mini', seen: '2026-04-27', shown: 'agent' },
    { id: 'gpt-5.4-nano', seen: '2026-04-27', shown: 'agent' },
    { id: 'gpt-5.2', seen: '2026-02-27', shown: 'both' },
    { id: 'gpt-5.2-pro', seen: '2026-02-27', shown: 'both' },
    { id: 'gpt-5.1', seen: '2025-11-19', shown: 'agent', copilot: 'gpt-5.2' },
    { id: 'gpt-5.1-low', seen: '2025-12-10', shown: 'both' },
    { id: 'gpt-5.1-medium', seen: '2026-04-27', shown: 'agent' },
    { id: 'gpt-5.1-high', seen: '2025-11-19', shown: 'agent', copilot: 'gpt-5.2' },
    { id: 'gpt-5', seen: '2025-10-12', shown: 'agent', copilot: 'gpt-5.2' },
    { id: 'gpt-5-pro', seen: '2025-10-12', shown: 'both' },
    { id: 'claude-opus-5-5', seen: '2026-09-23', shown: 'agent' },
    { id: 'claude-opus-5', seen: '2026-09-09', shown: 'agent' },
    { id: 'claude-opus-4-8', seen: '2026-09-09', shown: 'agent' },
    { id: 'claude-opus-4-7', seen: '2026-04-27', shown: 'agent' },
    { id: 'claude-opus-4-6', seen: '2026-02-27', shown: 'both' },
    { id: 'claude-sonnet-5', seen: '2026-09-09', shown: 'agent' },
    { id: 'claude-sonnet-4-6', seen: '2026-02-27', shown: 'both' },
    { id: 'claude-sonnet-4-5', seen: '2025-10-12', shown: 'both' },
    { id: 'claude-sonnet-4', seen: '2025-05-23', shown: 'agent', copilot: 'claude-sonnet-4-6' },
    { id: 'claude-4-5-haiku', seen: '2025-11-19', shown: 'both' },
    { id: 'gemini-3.8-flash', seen: '2026-09-09', shown: 'agent' },
    { id: 'gemini-3.7-flash', seen: '2026-09-09', shown: 'agent' },
    { id: 'gemini-3.6-flash', seen: '2026-09-09', shown: 'agent' },
    { id: 'gemini-3.5-flash', seen: '2026-09-09', shown: 'agent' },
    { id: 'gemini-3.1-pro-preview', seen: '2026-02-27', shown: 'both' },
    { id: 'gemini-3.1-flash-lite-preview', seen: '2026-09-09', shown: 'agent' },
    { id: 'gemini-3-flash-preview', seen: '2026-02-27', shown: 'both' },
    { id: 'gemini-2.5-flash', seen: '2025-10-12', shown: 'agent', copilot: 'gemini-3-flash-preview' },
    { id: 'GLM-5.3', seen: '2026-09-09', shown: 'agent' },
    { id: 'glm-5p3', seen: '2026-09-23', shown: 'agent' },
    { id: 'glm-5p3-flash-baseten', seen: '2026-09-23', shown: 'agent' },
    { id: 'deep-seek-v4-pro', seen: '2026-05-09', shown: 'agent' },
    { id: 'deep-seek-v4-flash', seen: '2026-09-23', shown: 'agent' },
    { id: 'deep-seek-v4.1-flash', seen: '2026-09-23', shown: 'agent' },
    { id: 'grok-4.7', seen: '2026-09-23', shown: 'agent' },
    { id: 'grok-4.6', seen: '2026-09-09', shown: 'agent' },
    { id: 'grok-4.5', seen: '2026-09-09', shown: 'agent' },
    { id: 'kimi-k3', seen: '2026-09-09', shown: 'agent' },
    { id: 'minimax-m3', seen: '2026-09-09', shown: 'agent' },
    { id: 'muse-spark-1.3', seen: '2026-09-09', shown: 'agent' },
    { id: 'nemotron-3-ultra', seen: '2026-09-23', shown: 'agent' },
    { id: 'o3-pro', seen: '2025-06-17', shown: 'copilot', agent: 'gpt-5.5-pro' },
    { id: 'claude-opus-4-5', seen: '2025-12-10', shown: 'copilot', agent: 'claude-opus-4-6' },
    { id: 'gemini-3-pro-preview', seen: '2025-11-19', shown: 'copilot', agent: 'gemini-3.1-pro-preview' },
    { id: 'gemini-2.5-pro', seen: '2025-04-30', shown: 'copilot', agent: 'gemini-3.1-pro-preview' },
    { id: 'grok-4-0709', seen: '2025-07-16', shown: 'copilot', agent: 'grok-4.5' },
    { id: 'gpt-4o', seen: '2024-12-30', shown: 'predecessor', agent: 'gpt-5.4', copilot: 'gpt-5.2' },
    { id: 'o1', seen: '2025-01-08', shown: 'predecessor', agent: 'gpt-5.5' },
    { id: 'o3-mini-high', seen: '2025-02-02', shown: 'predecessor', agent: 'gpt-5.4-mini' },
    { id: 'claude-3-5-sonnet', seen: '2024-12-30', shown: 'predecessor', agent: 'claude-sonnet-4', copilot: 'claude-sonnet-4-6' },
    { id: 'claude-3-7-sonnet', seen: '2025-02-25', shown: 'predecessor', agent: 'claude-sonnet-4', copilot: 'claude-sonnet-4-6' },
    // Led to the newest name that thinks aloud.
    { id: 'claude-3-7-sonnet-thinking', seen: '2025-03-06', shown: 'predecessor', agent: 'claude-sonnet-4', copilot: 'claude-sonnet-4-thinking' },
    { id: 'claude-3-5-haiku', seen: '2024-12-30', shown: 'predecessor', agent: 'claude-4-5-haiku', copilot: 'claude-4-5-haiku' },
    { id: 'gemini-2.0-flash', seen: '2025-02-06', shown: 'predecessor', agent: 'gemini-2.5-flash', copilot: 'gemini-3-flash-preview' },
    { id: 'deep-seek-v3', seen: '2025-01-13', shown: 'predecessor', agent: 'deep-seek-v4-flash' },
    { id: 'deep-seek-r1', seen: '2025-02-02', shown: 'predecessor', agent: 'deep-seek-v4-pro' },
    { id: 'gpt-4o-mini', seen: '2024-12-30', agent: 'gpt-5.4-mini', copilot: 'gpt-5.1-low' },
    { id: 'o1-preview', seen: '2024-12-30', agent: 'gpt-5.5', copilot: 'o1' },
    { id: 'gemini-1.5-pro', seen: '2024-12-30', agent: 'gemini-3.1-pro-preview', copilot: 'gemini-2.5-pro' },
    { id: 'gemini-1.5-flash', seen: '2024-12-30', agent: 'gemini-2.5-flash', copilot: 'gemini-3-flash-preview' },
    { id: 'gpt-4.1', seen: '2025-04-30', agent: 'gpt-5.4', copilot: 'gpt-5.2' },
    { id: 'o4-mini-high', seen: '2025-04-30', agent: 'gpt-5.4-mini' },
    { id: 'claude-sonnet-4-thinking', seen: '2025-05-23', agent: 'claude-sonnet-4' },
    { id: 'o3', seen: '2025-06-17', agent: 'gpt-5.5' },
    { id: 'claude-opus-4', seen: '2025-07-16', agent: 'claude-opus-4-6', copilot: 'claude-opus-4-6' },
    { id: 'gpt-5-minimal', seen: '2025-10-12', agent: 'gpt-5.4-nano', copilot: 'gpt-5.1-low' },
    { id: 'gpt-5-high', seen: '2025-10-12', agent: 'gpt-5', copilot: 'gpt-5.2' },
    { id: 'claude-opus-4-1', seen: '2025-10-12', agent: 'claude-opus-4-6', copilot: 'claude-opus-4-6' },
    { id: 'gpt-5.1-minimal', seen: '2025-11-19', agent: 'gpt-5.1-low', copilot: 'gpt-5.1-low' },
    { id: 'kimi-k2-instruct', seen: '2025-11-19', agent: 'kimi-k3' },
    { id: 'groq-kimi-k2-instruct', seen: '2025-11-19', agent: 'kimi-k3' },
    { id: 'grok-4.20-0309-reasoning', seen: '2026-04-27', agent: 'grok-4.5' },
    { id: 'grok-4.20-0309-non-reasoning', seen: '2026-04-27', agent: 'grok-4.5' },
  ],
  // Source: WIRE 9.2, 9.5. A name that `agent` does not know is drawn by gpt-image-2 (WIRE 5.6).
  image: [
    { id: 'gpt-image-2.5', seen: '2026-09-28', shown: 'agent', copilot: 'fal-ai/gpt-image-1.5' },
    { id: 'gpt-image-2', seen: '2026-04-01', shown: 'agent', copilot: 'fal-ai/gpt-image-1.5' },
    { id: 'nano-banana-pro', seen: '2026-02-27', shown: 'both' },
    { id: 'nano-banana-2', seen: '2026-02-27', shown: 'both' },
    { id: 'seedream-v5-lite', seen: '2026-04-01', shown: 'agent', copilot: 'fal-ai/bytedance/seedream/v5/lite' },
    { id: 'flux-2-pro', seen: '2026-04-01', shown: 'agent', copilot: 'fal-ai/flux-2-pro' },
    { id: 'flux-2', seen: '2026-04-01', shown: 'agent', copilot: 'fal-ai/flux-2' },
    { id: 'z-image-turbo', seen: '2026-04-01', shown: 'agent', copilot: 'fal-ai/z-image/turbo' },
    { id: 'fal-ai/bytedance/seedream/v5/lite', seen: '2026-02-27', shown: 'copilot', agent: 'seedream-v5-lite' },
    { id: 'fal-ai/flux-2-pro', seen: '2026-02-27', shown: 'copilot', agent: 'flux-2-pro' },
    { id: 'fal-ai/flux-2', seen: '2026-02-27', shown: 'copilot', agent: 'flux-2' },
    { id: 'fal-ai/z-image/turbo', seen: '2026-02-27', shown: 'copilot', agent: 'z-image-turbo' },
    { id: 'fal-ai/gpt-image-1.5', seen: '2026-02-27', shown: 'copilot', agent: 'gpt-image-2' },
    { id: 'recraft-v3', seen: '2024-12-24', shown: 'copilot' },
    { id: 'ideogram/V_3', seen: '2026-02-27', shown: 'copilot' },
    { id: 'qwen-image', seen: '2026-02-27', shown: 'copilot' },
    { id: 'fal-ai/recraft-clarity-upscale', seen: '2026-02-27', shown: 'copilot' },
    { id: 'fal-bria-rmbg', seen: '2026-02-27', shown: 'copilot' },
    { id: 'fal-ai/image-editing/text-removal', seen: '2026-02-27', shown: 'copilot' },
    { id: 'flux', seen: '2024-12-24', shown: 'predecessor', agent: 'flux-2', copilot: 'fal-ai/flux-2' },
    { id: 'flux-speed', seen: '2024-12-24', shown: 'predecessor', agent: 'flux-2', copilot: 'fal-ai/flux-2' },
    { id: 'flux-pro/ultra', seen: '2024-12-24', shown: 'predecessor', agent: 'flux-2-pro', copilot: 'fal-ai/flux-2-pro' },
    { id: 'ideogram', seen: '2024-12-24', shown: 'predecessor', agent: 'ideogram/V_3', copilot: 'ideogram/V_3' },
    { id: 'ideogram/V_2A', seen: '2025-03-04', shown: 'predecessor', agent: 'ideogram/V_3', copilot: 'ideogram/V_3' },
    { id: 'dall-e-3', seen: '2024-12-24', shown: 'predecessor', agent: 'gpt-image-2', copilot: 'dalle-3' },
    { id: 'imagen3', seen: '2025-02-13', shown: 'predecessor', agent: 'nano-banana-2', copilot: 'imagen4' },
    { id: 'nano-banana-2-flash-lite', seen: '2026-09-22', keysOnly: true },
    { id: 'fal-ai/bytedance/seedream/v5/pro', seen: '2026-09-22', keysOnly: true },
    { id: 'xai/grok-imagine-image', seen: '2026-09-22', keysOnly: true },
    { id: 'qwen-image-3', seen: '2026-09-22', keysOnly: true },
    { id: 'flux-pro/outpaint', seen: '2026-09-22', keysOnly: true },
    { id: 'dalle-3', seen: '2024-12-24', agent: 'gpt-image-2' },
    { id: 'gpt-image-1', seen: '2025-04-25', agent: 'gpt-image-2', copilot: 'fal-ai/gpt-image-1.5' },
    { id: 'imagen4', seen: '2025-05-29', agent: 'nano-banana-2' },
    { id: 'flux-pro/kontext/pro', seen: '2025-07-15', agent: 'flux-2-pro', copilot: 'fal-ai/flux-2-pro' },
    { id: 'flux-pro/kontext/max', seen: '2025-07-16', agent: 'flux-2-pro', copilot: 'fal-ai/flux-2-pro' },
    { id: 'fal-ai/nano-banana', seen: '2025-10-12', agent: 'nano-banana-2', copilot: 'nano-banana-2' },
    { id: 'fal-ai/bytedance/seedream/v4', seen: '2025-10-12', agent: 'seedream-v5-lite', copilot: 'fal-ai/bytedance/seedream/v5/lite' },
  ],
  // Source: WIRE 5.7, 9.3. Of `agent` no list is known: it is asked for the names of `copilot`.
  video: [
    { id: 'sora-2', seen: '2025-10-12', shown: 'copilot' },
    { id: 'sora-2-pro', seen: '2025-10-12', shown: 'copilot' },
    { id: 'gemini/veo3.1', seen: '2026-02-27', shown: 'copilot' },
    { id: 'gemini/veo3.1/reference-to-video', seen: '2026-02-27', shown: 'copilot' },
    { id: 'gemini/veo3.1/first-last-frame-to-video', seen: '2026-02-27', shown: 'copilot' },
    { id: 'gemini/veo3', seen: '2025-07-16', shown: 'copilot' },
    { id: 'kling/v3', seen: '2026-02-27', shown: 'copilot' },
    { id: 'kling/v2.6/standard/motion-control', seen: '2026-02-27', shown: 'copilot' },
    { id: 'kling/o3/image-to-video', seen: '2026-02-27', shown: 'copilot' },
    { id: 'kling/o3/reference-to-video', seen: '2026-02-27', shown: 'copilot' },
    { id: 'fal-ai/bytedance/seedance/v1.5/pro', seen: '2026-02-27', shown: 'copilot' },
    { id: 'fal-ai/bytedance/seedance/v1/pro/fast', seen: '2026-02-27', shown: 'copilot' },
    { id: 'xai/grok-imagine-video', seen: '2026-02-27', shown: 'copilot' },
    { id: 'minimax/hailuo-2.3/standard', seen: '2026-02-27', shown: 'copilot' },
    { id: 'official/pixverse/v5', seen: '2026-02-27', shown: 'copilot' },
    { id: 'wan/v2.6', seen: '2026-02-27', shown: 'copilot' },
    { id: 'vidu/q3', seen: '2026-02-27', shown: 'copilot' },
    { id: 'runway/gen4_turbo', seen: '2025-10-12', shown: 'copilot' },
    { id: 'fal-ai/sync-lipsync/v2', seen: '2026-02-27', shown: 'copilot' },
    { id: 'fal-ai/bytedance-upscaler/upscale/video', seen: '2026-02-27', shown: 'copilot' },
    { id: 'kling/v1.6/standard', seen: '2025-03-14', agent: 'kling/v3', copilot: 'kling/v3' },
    { id: 'pixverse/v3.5/turbo', seen: '2025-03-14', agent: 'official/pixverse/v5', copilot: 'official/pixverse/v5' },
    { id: 'lumadream/ray-2', seen: '2025-03-14' },
    { id: 'gemini/veo2', seen: '2025-03-14', agent: 'gemini/veo3.1', copilot: 'gemini/veo3.1' },
    { id: 'hunyuan', seen: '2025-03-14' },
    { id: 'gemini/veo3/fast', seen: '2025-07-16', agent: 'gemini/veo3', copilot: 'gemini/veo3' },
    { id: 'kling/v2.1/master', seen: '2025-07-16', agent: 'kling/v3', copilot: 'kling/v3' },
    { id: 'fal-ai/bytedance/seedance/v1/pro', seen: '2025-07-16', agent: 'fal-ai/bytedance/seedance/v1.5/pro', copilot: 'fal-ai/bytedance/seedance/v1.5/pro' },
    { id: 'minimax/hailuo-02/standard', seen: '2025-07-16', agent: 'minimax/hailuo-2.3/standard', copilot: 'minimax/hailuo-2.3/standard' },
    { id: 'pixverse/v4.5/turbo', seen: '2025-07-16', agent: 'official/pixverse/v5', copilot: 'official/pixverse/v5' },
    { id: 'fal-ai/bytedance/seedance/v1/lite', seen: '2025-07-16', agent: 'fal-ai/bytedance/seedance/v1/pro/fast', copilot: 'fal-ai/bytedance/seedance/v1/pro/fast' },
    { id: 'kling/v2.5-turbo/pro', seen: '2025-10-12', agent: 'kling/v3', copilot: 'kling/v3' },
    { id: 'pixverse/v5', seen: '2025-10-12', agent: 'official/pixverse/v5', copilot: 'official/pixverse/v5' },
    { id: 'wan/v2.2', seen: '2025-10-12', agent: 'wan/v2.6', copilot: 'wan/v2.6' },
    { id: 'kling/o3', seen: '2026-09-22', keysOnly: true },
    { id: 'gemini/omni-flash', seen: '2026-09-22', keysOnly: true },
    { id: 'minimax/h3', seen: '2026-09-22', keysOnly: true },
    { id: 'minimax/h3-max', seen: '2026-09-22', keysOnly: true },
    { id: 'wan/v2.7', seen: '2026-09-22', keysOnly: true },
    { id: 'wan/v3.0', seen: '2026-09-22', keysOnly: true },
    { id: 'pixverse/v6', seen: '2026-09-22', keysOnly: true },
    { id: 'pixverse/c1', seen: '2026-09-22', keysOnly: true },
    { id: 'fal-ai/bytedance/seedance-2.0', seen: '2026-09-22', keysOnly: true },
    { id: 'fal-ai/bytedance/seedance-2.5', seen: '2026-09-22', keysOnly: true },
    { id: 'alibaba/happy-horse', seen: '2026-09-22', keysOnly: true },
    { id: 'alibaba/happy-horse/reference-to-video', seen: '2026-09-22', keysOnly: true },
    { id: 'alibaba/happy-horse/video-edit', seen: '2026-09-22', keysOnly: true },
    { id: 'bfl/flux-3-preview-high', seen: '2026-09-22', keysOnly: true },
    { id: 'vidu/start-end-to-video', seen: '2025-10-12', agent: 'vidu/q3', copilot: 'vidu/q3' },
  ],
}

/** Asked together, and in place of a name that is not known. Source: WIRE 7.3 */
export const mixture = {
  id: 'mixture-of-agents',
  seen: '2024-12-30',
  upstreamIds: {
    copilot: ['gpt-5.1-low', 'claude-sonnet-4-5', 'gemini-3-pro-preview'],
    agent: ['gpt-5.6-luna', 'claude-sonnet-5', 'gemini-3.7-flash'],
  },
} as const

type AliasRow = Readonly<Record<WireGeneration, string>>

/** A cheap model that answers quickly, for what clients ask by themselves: titles, summaries, small tasks. */
const smallGpt: AliasRow = { copilot: 'gpt-5.1-low', agent: 'gpt-5.4-mini' }
const smallClaude: AliasRow = { copilot: 'claude-4-5-haiku', agent: 'claude-4-5-haiku' }
const smallGemini: AliasRow = { copilot: 'gemini-3-flash-preview', agent: 'gemini-3.1-flash-lite-preview' }

const gptImage: AliasRow = { copilot: 'fal-ai/gpt-image-1.5', agent: 'gpt-image-2' }

/** Names that clients use and the site never did, with what each generation is asked for. */
export const modelAliases: Readonly<Record<ModelKind, Readonly<Record<string, AliasRow>>>> = {
  text: {
    'gpt-3.5-turbo': smallGpt,
    'gpt-4.1-mini': smallGpt,
    'gpt-4.1-nano': smallGpt,
    'gpt-5-mini': smallGpt,
    'gpt-5-nano': smallGpt,
    'o3-mini': smallGpt,
    'o4-mini': smallGpt,
    'claude-3-haiku': smallClaude,
    'claude-haiku-4-5': smallClaude,
    'gemini-2.0-flash-lite': smallGemini,
    'gemini-2.5-flash-lite': smallGemini,
    'deep-seek-chat': { copilot: 'deep-seek-v3', agent: 'deep-seek-v4-flash' },
    'deep-seek-reasoner': { copilot: 'deep-seek-r1', agent: 'deep-seek-v4-pro' },
  },
  image: {
    'dall-e-2': gptImage,
    'gpt-image-1-mini': gptImage,
    'gpt-image-1.5': gptImage,
    'chatgpt-image': gptImage,
  },
  video: {},
}
