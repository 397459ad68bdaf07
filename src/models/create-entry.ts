import type { ModelKind } from './models.ts'

/** What is shown of a model. */
export interface CatalogueEntry {
  readonly id: string
  /** Epoch seconds of the day on which the model was first seen. */
  readonly created: number
  readonly ownedBy: string
  readonly displayName: string
  /** In new-api's words, of which strict clients know no others; none for videos. */
  readonly endpointTypes: readonly ('openai' | 'image-generation')[]
}

export interface EntryFacts {
  readonly kind: ModelKind
  /** The day or moment in ISO 8601. */
  readonly firstSeen: string
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
  }
}

const endpointTypes = {
  text: ['openai'],
  image: ['image-generation', 'openai'],
  video: [],
} as const satisfies Record<ModelKind, CatalogueEntry['endpointTypes']>

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
