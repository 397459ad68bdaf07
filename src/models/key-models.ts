import type { ChatModel } from '../core/chat-request.ts'
import type { KeyModel } from '../core/key-model.ts'
import { createListeners } from '../core/listeners.ts'
import { bareName, newestOfFamily } from './families.ts'
import { canonicalName } from './served-model.ts'

/** Which models each API key is served, by the catalogue of that key. A key never answers by another model in silence: what it does
 *  not list it is not asked for. */
export interface KeyModels {
  /** The key's own model for the name that was asked; until its catalogue is read, what the vendor has published, or the name that
   *  the site knows. @returns undefined: the key is not served it */
  servedBy(accountKey: string, model: ChatModel): KeyModel | undefined
  /** The first model of any key with this name. */
  named(name: string): KeyModel | undefined
  /** Of all keys, each id once. */
  list(): readonly KeyModel[]
  isKnown(accountKey: string): boolean
  update(accountKey: string, models: readonly KeyModel[]): void
  /** There are these keys: the catalogues of others are forgotten. */
  retain(accountKeys: ReadonlySet<string>): void
  /** Calls back after each change. @returns unsubscribe */
  onChange(listener: () => void): () => void
}

interface KeyCatalogue {
  readonly models: readonly KeyModel[]
  readonly byName: ReadonlyMap<string, KeyModel>
}

export function createKeyModels(): KeyModels {
  const catalogues = new Map<string, KeyCatalogue>()
  const listeners = createListeners()
  let keys: ReadonlySet<string> = new Set()
  let listed: readonly KeyModel[] = []

  function changed(): void {
    const byId = new Map<string, KeyModel>()
    for (const { models } of catalogues.values())
      for (const model of models) if (!byId.has(model.id)) byId.set(model.id, model)
    listed = [...byId.values()]
    listeners.tell()
  }

  return {
    servedBy(accountKey, model) {
      const catalogue = catalogues.get(accountKey)
      const found = find(catalogue ?? published, model)
      if (found || catalogue) return found
      const [id = model.id] = model.upstreamIds.agent
      return { id }
    },
    named(name) {
      for (const { byName } of catalogues.values()) {
        const found = named(byName, name)
        if (found) return found
      }
      const isRead = [...keys].every((key) => catalogues.has(key))
      return isRead ? undefined : named(published.byName, name)
    },
    list: () => listed,
    isKnown: (accountKey) => catalogues.has(accountKey),
    update(accountKey, models) {
      catalogues.set(accountKey, catalogueOf(models))
      changed()
    },
    retain(accountKeys) {
      keys = accountKeys
      const gone = [...catalogues.keys()].filter((key) => !accountKeys.has(key))
      for (const key of gone) catalogues.delete(key)
      if (gone.length > 0) changed()
    },
    onChange: listeners.add,
  }
}

/** The name as asked comes first, then what the site is asked for it. A name that nobody knows has the newest of its family. */
function find({ models, byName }: KeyCatalogue, model: ChatModel): KeyModel | undefined {
  if (model.mixture) return undefined
  for (const name of [model.id, ...model.upstreamIds.agent]) {
    const found = named(byName, name)
    if (found) return found
  }
  return model.standIn === undefined ? undefined : newestOfFamily(bareName(model.id), models)
}

const named = (byName: KeyCatalogue['byName'], name: string): KeyModel | undefined =>
  byName.get(name.trim().toLowerCase()) ?? byName.get(canonicalName(bareName(name)))

/** By the id, and by every other spelling of it that is not an id itself. */
function catalogueOf(models: readonly KeyModel[]): KeyCatalogue {
  const byName = new Map(models.map((model) => [model.id.toLowerCase(), model]))
  const others = [canonicalName, (id: string) => canonicalName(id.replace(/-\d{4}$/, ''))]
  for (const spell of others) {
    for (const model of models) {
      const name = spell(model.id)
      if (!byName.has(name)) byName.set(name, model)
    }
  }
  return { models, byName }
}

/** Source: WIRE 9.6 */
const published = catalogueOf(
  [
    ...['claude-fable-5', 'claude-opus-5', 'claude-opus-4-8', 'claude-opus-4-7', 'claude-opus-4-6'],
    ...['claude-sonnet-5', 'claude-sonnet-4-6', 'claude-haiku-4-5', 'claude-opus-4-5', 'claude-sonnet-4-5'],
    ...['gpt-6-astra', 'gpt-6-sol', 'gpt-6-luna', 'gpt-5.6-sol', 'gpt-5.6-terra', 'gpt-5.6-luna', 'gpt-5.5'],
    ...['gpt-5.4', 'gpt-5.4-mini', 'gpt-5.4-nano', 'gpt-5.3-codex', 'gpt-5.2'],
    ...['deepseek-v4-pro-0813', 'deep-seek-v4-flash', 'deep-seek-v4.1-flash', 'glm-5p3', 'glm-5p2'],
    ...['kimi-k3', 'kimi-k2p6', 'minimax-m3', 'minimax-m2p7', 'minimax-m2p5', 'grok-4.7', 'grok-4.6'],
    ...['grok-4.5', 'solar-pro4'],
  ].map((id) => ({ id })),
)
