// Room `models`: the names that clients may ask for and what each protocol is asked for them.
// Touches `core` only; plain data and pure look-ups.

import type { ChatModel } from '../core/chat-request.ts'
import { modelAliases } from './model-aliases.ts'
import { normaliseModelName } from './normalise-model-name.ts'
import { copilotModels, currentModels, mixtureModels, olderModels } from './text-models.ts'

export interface CatalogueEntry {
  readonly id: string
  /** Epoch seconds. */
  readonly created: number
  readonly ownedBy: string
  readonly displayName: string
}

export interface Catalogue {
  /** Never fails: a name that is not known is asked in mixture mode (DESIGN 4). The suffix `-search` asks for web search. */
  resolve(name: string): ChatModel
  list(): readonly CatalogueEntry[]
  find(id: string): CatalogueEntry | undefined
}

type UpstreamIds = ChatModel['upstreamIds']

export function createCatalogue(): Catalogue {
  const known = knownModels()
  const entries = listedModels()
  const entriesById = new Map(entries.map((entry) => [entry.id, entry]))

  return {
    resolve(name) {
      const search = name.endsWith(searchSuffix)
      const asked = search ? name.slice(0, -searchSuffix.length) : name
      const id = normaliseModelName(asked, (candidate) => known.has(candidate))
      const upstreamIds = id === undefined ? undefined : known.get(id)
      return {
        id: name,
        upstreamIds: upstreamIds ?? mixtureModels.upstreamIds,
        mixture: upstreamIds === undefined || upstreamIds === mixtureModels.upstreamIds,
        search,
      }
    },
    list: () => entries,
    find: (id) => entriesById.get(id),
  }
}

const searchSuffix = '-search'

/** Every accepted name in lower case, with what is asked for it. A model known to one protocol is asked by its own name
 *  of the other, unless a table says better. */
function knownModels(): ReadonlyMap<string, UpstreamIds> {
  const known = new Map<string, UpstreamIds>()
  const add = (id: string, copilot: string, agent: string) =>
    known.set(id.toLowerCase(), { copilot: [copilot], agent: [agent] })
  for (const [id, { copilot, agent }] of Object.entries(modelAliases)) add(id, copilot, agent)
  for (const [id, agent] of Object.entries(olderModels)) add(id, id, agent)
  for (const id of currentModels.toReversed().flatMap(({ ids }) => ids)) add(id, id, id)
  known.set(mixtureModels.id, mixtureModels.upstreamIds)
  return known
}

function listedModels(): readonly CatalogueEntry[] {
  return [
    ...currentModels.flatMap(({ date, ids }) => ids.map((id) => entryOf(id, date))),
    ...copilotModels.ids.map((id) => entryOf(id, copilotModels.date)),
    entryOf(mixtureModels.id, mixtureModels.date),
  ]
}

function entryOf(id: string, date: string): CatalogueEntry {
  const owner = owners.find(([prefix]) => prefix.test(id))
  return {
    id,
    created: Date.parse(date) / 1000,
    ownedBy: owner?.[1] ?? 'genspark',
    displayName: displayName(id),
  }
}

const owners: readonly (readonly [RegExp, string])[] = [
  [/^(?:gpt|o\d)/, 'openai'],
  [/^claude/, 'anthropic'],
  [/^gemini/, 'google'],
  [/^grok/, 'xai'],
  [/^deep-?seek/, 'deepseek'],
  [/^(?:groq-)?kimi/, 'moonshotai'],
  [/^glm/i, 'zhipuai'],
  [/^minimax/, 'minimax'],
  [/^nemotron/, 'nvidia'],
]

/** `claude-sonnet-4-6` is shown as `Claude Sonnet 4.6`. */
function displayName(id: string): string {
  return id
    .replace(/(?<=-\d)-(?=\d(?:-|$))/g, '.')
    .split('-')
    .map((word) => acronyms[word.toLowerCase()] ?? word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ')
}

const acronyms: Readonly<Record<string, string>> = { gpt: 'GPT', glm: 'GLM' }
