import type { KeyModel } from '../core/key-model.ts'
import type { ModelKind, UpstreamIds } from './models.ts'

/** What is shown of a model. */
export interface CatalogueEntry {
  readonly id: string
  /** Epoch seconds of the day on which the model was first seen. */
  readonly created: number
  readonly ownedBy: string
  readonly displayName: string
  /** In new-api's words, of which strict clients know no others; none for videos. */
  readonly endpointTypes: readonly EndpointType[]
  /** In tokens, as the vendor says; of text models alone. */
  readonly contextLength?: number
  /** What the site is asked for, where it is not the id itself. */
  readonly upstreamIds?: UpstreamIds
  /** As the catalogue of an API key has it, where one is served it. */
  readonly keyModel?: KeyModel
}

type EndpointType = 'openai' | 'anthropic' | 'gemini' | 'openai-response' | 'image-generation'

export interface EntryFacts {
  readonly kind: ModelKind
  /** The day or moment in ISO 8601. */
  readonly firstSeen: string
  readonly upstreamIds?: UpstreamIds
  readonly ownedBy?: string | undefined
  readonly displayName?: string | undefined
}

/** Owner and display name are read from the id unless told. */
export function createEntry(id: string, facts: EntryFacts): CatalogueEntry {
  return {
    id,
    created: Math.floor(Date.parse(facts.firstSeen) / 1000),
    ownedBy: facts.ownedBy ?? owners.find(([pattern]) => pattern.test(id))?.[1] ?? 'genspark',
    displayName: facts.displayName ?? displayName(id),
    endpointTypes: endpointTypes[facts.kind],
    ...(facts.kind === 'text' && { contextLength: contextLengthOf(id) }),
    ...(facts.upstreamIds && { upstreamIds: facts.upstreamIds }),
  }
}

const endpointTypes = {
  text: ['openai', 'anthropic', 'openai-response', 'gemini'],
  image: ['image-generation', 'openai'],
  video: [],
} as const satisfies Record<ModelKind, CatalogueEntry['endpointTypes']>

const contextLengthOf = (id: string): number =>
  contextLengths.find(([pattern]) => pattern.test(id))?.[1] ?? 128_000

/** Of the vendor's own documents; a model that they do not name has the least that is usual. */
const contextLengths: readonly (readonly [RegExp, number])[] = [
  [/^gpt-(?:5|6)/i, 400_000],
  [/^gpt-4\.1|^gemini/i, 1_000_000],
  [/^claude|^o\d/i, 200_000],
  [/^(?:grok-4|(?:groq-)?kimi)/i, 256_000],
  [/^glm|^minimax/i, 200_000],
]

const owners: readonly (readonly [RegExp, string])[] = [
  [/^(?:fal-ai\/)?(?:gpt|o\d|dall|sora)/, 'openai'],
  [/^claude/, 'anthropic'],
  [/^(?:fal-ai\/)?(?:gemini|imagen|nano-banana)/, 'google'],
  [/^(?:grok|xai\/)/, 'xai'],
  [/^deep-?seek/, 'deepseek'],
  [/^(?:groq-)?kimi/, 'moonshotai'],
  [/^glm/i, 'zhipuai'],
  [/^minimax/, 'minimax'],
  [/^nemotron/, 'nvidia'],
  [/^(?:fal-ai\/)?flux/, 'black-forest-labs'],
  [/^ideogram/, 'ideogram'],
  [/^(?:fal-ai\/)?recraft/, 'recraft'],
  [/^(?:fal-ai\/bytedance|seedream)/, 'bytedance'],
  [/^(?:qwen|wan|(?:fal-ai\/)?z-image)/, 'alibaba'],
  [/^kling/, 'kuaishou'],
  [/^(?:official\/)?pixverse/, 'pixverse'],
  [/^hunyuan/, 'tencent'],
  [/^vidu/, 'vidu'],
  [/^runway/, 'runway'],
  [/^lumadream/, 'luma'],
]

/** `claude-sonnet-4-6` is shown as `Claude Sonnet 4.6`, `kling/v2.6/standard` as `Kling V2.6 Standard`. */
function displayName(id: string): string {
  return id
    .replace(/^(?:fal-ai|official)\//, '')
    .replace(/(?<=-\d)-(?=\d(?:-|$))/g, '.')
    .split(/[-/_]/)
    .map((word) => acronyms[word.toLowerCase()] ?? word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ')
}

const acronyms: Readonly<Record<string, string>> = { gpt: 'GPT', glm: 'GLM' }

/** An entry with what the catalogue of a key tells of its model, which wins over what is guessed from the id. */
export const withKeyModel = (entry: CatalogueEntry, keyModel: KeyModel): CatalogueEntry => ({
  ...entry,
  ...(keyModel.contextLength !== undefined && { contextLength: keyModel.contextLength }),
  keyModel,
})
