// Room `models`: the names that clients may ask for and what each protocol is asked for them.
// Touches `core` and the file of MODELS_FILE; the rest is plain data and pure look-ups.

import type { ChatModel } from '../core/chat-request.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { MediaModel } from '../core/media-request.ts'
import { builtInModels } from './built-in-models.ts'
import {
  keyOf,
  type ModelTable,
  type SiteModel,
  tableOf,
  withChanges,
  withSiteModels,
} from './merge-models.ts'
import { type CatalogueEntry, type Model, type ModelKind, modelKinds } from './model.ts'
import { normaliseModelName } from './normalise-model-name.ts'
import { type ModelChanges, ModelsFileError, noChanges } from './parse-models-file.ts'
import { mixtureModels } from './text-models.ts'

export type { CatalogueEntry } from './model.ts'

export interface Catalogue {
  /** Never fails: a name that is not known is asked in mixture mode (DESIGN 4). The suffix `-search` asks for web search. */
  resolve(name: string): ChatModel
  resolveMedia(name: string, kind: MediaModel['kind']): MediaModel | undefined
  /** What a name is asked for; a name that is not known is a text model's. */
  kindOf(name: string): ModelKind
  /** All kinds: text, then images, then videos. */
  list(): readonly CatalogueEntry[]
  find(id: string): CatalogueEntry | undefined
}

/** Model ids as the site lists them today. */
export interface SiteLists {
  readonly text: readonly string[]
  readonly image: readonly string[]
}

export interface LiveCatalogue extends Catalogue {
  /** Takes the place of what the site listed before. */
  update(lists: SiteLists): void
  /** Takes the place of earlier changes. @throws {ModelsFileError} for an alias of no model; then nothing changes */
  change(changes: ModelChanges): void
}

export function createCatalogue({ clock = systemClock }: { readonly clock?: Clock } = {}): LiveCatalogue {
  const builtIn = tableOf(builtInModels())
  let siteModels: ReadonlyMap<string, SiteModel> = new Map()
  let changes = noChanges
  let changedAt = ''
  let models = builtIn
  let shown = shownModels(models)

  function merge(): void {
    models = withChanges(listedModels(), changes, changedAt)
    shown = shownModels(models)
  }

  const listedModels = (): ModelTable => withSiteModels(builtIn, siteModels.values())

  function modelOf(name: string, kinds: readonly ModelKind[]): Model | undefined {
    const isKnown = (key: string) => kinds.some((kind) => models.get(key)?.kind === kind)
    const key = normaliseModelName(name, isKnown)
    return key === undefined ? undefined : models.get(key)
  }

  const isoNow = (): string => new Date(clock.now()).toISOString()

  return {
    resolve(name) {
      const exact = modelOf(name, ['text'])
      const search = exact === undefined && name.endsWith(searchSuffix)
      const model = search ? modelOf(name.slice(0, -searchSuffix.length), ['text']) : exact
      const { upstreamIds } = model ?? models.get(mixtureModels.id) ?? mixtureModels
      return { id: name, upstreamIds, mixture: upstreamIds.agent.length > 1, search }
    },
    resolveMedia(name, kind) {
      const upstreamIds = modelOf(name, [kind])?.upstreamIds
      if (!upstreamIds) return undefined
      return { id: name, kind, upstreamIds: { copilot: upstreamIds.copilot[0], agent: upstreamIds.agent[0] } }
    },
    kindOf: (name) => modelOf(name, modelKinds)?.kind ?? 'text',
    list: () => shown.list,
    find: (id) => shown.byId.get(id),

    update(lists) {
      const firstSeenOf = (id: string) => siteModels.get(keyOf(id))?.firstSeen ?? isoNow()
      const listed = (['text', 'image'] as const).flatMap((kind) =>
        lists[kind]
          .filter((id) => plausibleId.test(id))
          .slice(0, maxListed)
          .map((id) => ({ id, kind, firstSeen: firstSeenOf(id) })),
      )
      siteModels = new Map(listed.map((model) => [keyOf(model.id), model]))
      merge()
    },
    change(given) {
      const faults = aliasFaults(listedModels(), given)
      if (faults.length > 0) throw new ModelsFileError(faults)
      changes = given
      changedAt = isoNow()
      merge()
    },
  }
}

const searchSuffix = '-search'

/** One id without a comma: the site also lists mixtures, as three ids in one (UPSTREAM 7.3). */
const plausibleId = /^[\w.:/-]{1,200}$/
const maxListed = 500

function shownModels(models: ModelTable) {
  const entries = modelKinds.flatMap((kind) =>
    [...models.values()].flatMap((model) => (model.kind === kind && model.entry ? [model.entry] : [])),
  )
  return { list: entries, byId: new Map(entries.map((entry) => [entry.id, entry])) }
}

/** An alias that points nowhere would quietly be a mixture. */
function aliasFaults(known: ModelTable, { models, aliases }: ModelChanges): string[] {
  const keys = new Set([...known.keys(), ...models.map(({ id }) => keyOf(id))])
  return [...aliases]
    .filter(([, target]) => !keys.has(keyOf(target)))
    .map(([alias, target]) => `aliases.${alias}: there is no model ${target}`)
}
