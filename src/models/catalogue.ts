// Module `models`: the names that clients may ask for and what each protocol is asked for them; tokens of text (tokens.ts).
// Touches `core`, the file of MODELS_FILE and the vocabulary that gpt-tokenizer ships; the rest is plain data and pure look-ups.

import type { ChatModel } from '../core/chat-request.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { InvalidRequestError } from '../core/errors.ts'
import type { KeyModel } from '../core/key-model.ts'
import type { MediaModel } from '../core/media-request.ts'
import { type CatalogueEntry, createEntry, withKeyModel } from './create-entry.ts'
import { bareName, isOtherService, newestOfFamily } from './families.ts'
import type { KeyModels } from './key-models.ts'
import {
  type ModelKind,
  type ModelRow,
  mixture,
  modelAliases,
  modelKinds,
  models,
  type UpstreamIds,
} from './models.ts'
import { type ModelChange, type ModelChanges, ModelsFileError, noChanges } from './models-file.ts'

export interface Catalogue {
  /** A name that is not known falls to the newest of its family, and one without family to the mixture. The suffix `-search` asks
   *  for web search.
   *  @throws {InvalidRequestError} `model_not_found` for names of embeddings and of speech */
  resolve(name: string): ChatModel
  resolveMedia(name: string, kind: MediaModel['kind']): MediaModel | undefined
  /** What a name is asked for; a name that is not known is a text model's. */
  kindOf(name: string): ModelKind
  /** All kinds: text, then images, then videos. */
  list(): readonly CatalogueEntry[]
  /** Of every name that is served but by the mixture in its place. */
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

export interface CatalogueOptions {
  readonly clock?: Clock
  /** Absent: there are no API keys. */
  readonly keyModels?: Pick<KeyModels, 'named' | 'list' | 'onChange'>
  /** Whether there are API keys and no cookie: the other text models are then not listed. Absent: never. */
  readonly hasKeysAlone?: () => boolean
}

export function createCatalogue({
  clock = systemClock,
  keyModels,
  hasKeysAlone = () => false,
}: CatalogueOptions = {}): LiveCatalogue {
  const builtIn = tableOf(builtInModels())
  let siteModels: ReadonlyMap<string, SiteModel> = new Map()
  let siteMixture: UpstreamIds['agent'] | undefined
  let changes = noChanges
  let changedAt = ''
  let table = builtIn
  let shown = shownModels(table)
  keyModels?.onChange(merge)

  function merge(): void {
    table = withChanges(listedModels(), changes, changedAt)
    shown = shownModels(table, keyModels?.list())
  }

  const listedModels = (): ModelTable =>
    withMixture(withSiteModels(builtIn, siteModels.values()), siteMixture)

  function modelOf(name: string, kinds: readonly ModelKind[]): Model | undefined {
    const isKnown = (key: string) => kinds.some((kind) => table.get(key)?.kind === kind)
    const key = normaliseModelName(name, isKnown)
    return key === undefined ? undefined : table.get(key)
  }

  function familyOf(name: string): Model | undefined {
    const texts = [...table.values()].filter((model) => model.kind === 'text' && model.entry !== undefined)
    return newestOfFamily(bareName(name), texts)
  }

  /** `gpt-5.1-low` is asked for `gpt-5.1` by a client that wants it to think less. */
  function variantsOf({ id, upstreamIds }: Pick<Model, 'id' | 'upstreamIds'>): Pick<ChatModel, 'variants'> {
    const low = variantOf(id, upstreamIds, '-low')
    const high = variantOf(id, upstreamIds, '-high')
    return low || high ? { variants: { ...(low && { low }), ...(high && { high }) } } : {}
  }

  function variantOf(id: string, own: UpstreamIds, suffix: '-low' | '-high'): UpstreamIds | undefined {
    const model = table.get(keyOf(id) + suffix)
    if (model?.kind !== 'text') return undefined
    const { agent, copilot } = model.upstreamIds
    const isOwn = ([first]: readonly string[]) => first?.endsWith(suffix)
    if (!isOwn(agent) && !isOwn(copilot)) return undefined
    return { agent: isOwn(agent) ? agent : own.agent, copilot: isOwn(copilot) ? copilot : own.copilot }
  }

  const isoNow = (): string => new Date(clock.now()).toISOString()

  return {
    resolve(name) {
      const exact = modelOf(name, ['text'])
      const search = exact === undefined && name.endsWith(searchSuffix)
      const asked = search ? name.slice(0, -searchSuffix.length) : name
      const model = search ? modelOf(asked, ['text']) : exact
      const ofKey = exact || search ? undefined : keyModels?.named(asked)
      if (ofKey) return modelOfKey(name, ofKey.id)
      if (!model) refuseOtherServices(asked)
      const served = model ?? familyOf(asked) ?? table.get(mixture.id) ?? mixture
      const { upstreamIds } = served
      const isMixture = upstreamIds.agent.length > 1
      return {
        id: name,
        upstreamIds,
        mixture: isMixture,
        ...(!isMixture && variantsOf(served)),
        search,
        ...(!model && { standIn: served.id }),
      }
    },
    resolveMedia(name, kind) {
      const model = modelOf(name, [kind])
      if (!model) return undefined
      const { copilot, agent } = model.upstreamIds
      return {
        id: name,
        kind,
        upstreamIds: { copilot: copilot[0], agent: agent[0] },
        ...(model.keysOnly && { keysOnly: true }),
      }
    },
    kindOf: (name) => modelOf(name, modelKinds)?.kind ?? 'text',
    list() {
      if (!keyModels || keyModels.list().length === 0 || !hasKeysAlone()) return shown.list
      return shown.list.filter((entry) => kindOrder(entry) > 0 || keyModels.named(entry.id) !== undefined)
    },
    find(id) {
      const entry = shown.byId.get(id)
      if (entry) return entry
      const search = id.endsWith(searchSuffix)
      const asked = search ? id.slice(0, -searchSuffix.length) : id
      const model = modelOf(id, modelKinds) ?? modelOf(asked, ['text'])
      const ofKey = model ? undefined : keyModels?.named(id)
      const known = ofKey && shown.byId.get(ofKey.id)
      if (known) return { ...known, id }
      const served = model ?? familyOf(asked)
      return served && { ...(served.entry ?? entryOf(served)), id }
    },

    update(lists) {
      const firstSeenOf = (id: string) => siteModels.get(keyOf(id))?.firstSeen ?? isoNow()
      const listed = (['text', 'image'] as const).flatMap((kind) =>
        lists[kind]
          .filter((id) => plausibleId.test(id))
          .slice(0, maxListed)
          .map((id) => ({ id, kind, firstSeen: firstSeenOf(id) })),
      )
      siteMixture = lists.text
        .map((id): readonly string[] => id.split(',').map((each) => each.trim()))
        .find(isMixture)
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

/** @throws {InvalidRequestError} `model_not_found` */
function refuseOtherServices(name: string): void {
  if (!isOtherService(bareName(name))) return
  throw new InvalidRequestError('model_not_found', {
    message: `${JSON.stringify(name.slice(0, 100))} is no chat model, and Genspark has none of its kind. GET /v1/models lists those that there are.`,
    param: 'model',
    retryable: false,
  })
}

const entryOf = ({ id, kind, upstreamIds }: Model): CatalogueEntry =>
  createEntry(id, { kind, firstSeen: mixture.seen, upstreamIds })

const searchSuffix = '-search'

/** One id without a comma: the site also lists mixtures, as three ids in one (WIRE 7.3). */
const plausibleId = /^[\w.:/-]{1,200}$/
const maxListed = 500

/** A name that only API keys are served. */
const modelOfKey = (name: string, id: string): ChatModel => ({
  id: name,
  upstreamIds: { copilot: [id], agent: [id] },
  mixture: false,
  search: false,
  keysOnly: true,
})

/** Behind the text models stand those of the API keys, under the ids that these are asked for; a name that both have is one entry. */
function shownModels(table: ModelTable, ofKeys: readonly KeyModel[] = []) {
  const entries = modelKinds.flatMap((kind) =>
    [...table.values()].flatMap((model) => (model.kind === kind && model.entry ? [model.entry] : [])),
  )
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  for (const model of ofKeys) {
    const known = byId.get(model.id)
    if (known && table.get(keyOf(model.id))?.kind !== 'text') continue
    const facts = { kind: 'text', firstSeen: mixture.seen, displayName: model.displayName } as const
    byId.set(model.id, withKeyModel(known ?? createEntry(model.id, facts), model))
  }
  return { list: [...byId.values()].toSorted(byKind), byId }
}

const kindOrder = (entry: CatalogueEntry): number =>
  entry.endpointTypes.includes('image-generation') ? 1 : entry.endpointTypes.length === 0 ? 2 : 0

const byKind = (one: CatalogueEntry, other: CatalogueEntry): number => kindOrder(one) - kindOrder(other)

/** An alias that points nowhere would quietly be a mixture. */
function aliasFaults(known: ModelTable, { models, aliases }: ModelChanges): string[] {
  const keys = new Set([...known.keys(), ...models.map(({ id }) => keyOf(id))])
  return [...aliases]
    .filter(([, target]) => !keys.has(keyOf(target)))
    .map(([alias, target]) => `aliases.${alias}: there is no model ${target}`)
}

/** One accepted name, with what it stands for. */
export interface Model {
  readonly id: string
  readonly kind: ModelKind
  readonly upstreamIds: UpstreamIds
  readonly keysOnly?: true
  /** As `GET /v1/models` shows it; undefined: accepted, but not shown. */
  readonly entry: CatalogueEntry | undefined
}

/** Every name that is accepted without changes of the operator, the shown ones first and in their order. */
export function builtInModels(): readonly Model[] {
  const { id, seen, upstreamIds } = mixture
  return [
    ...modelKinds.flatMap((kind) => models[kind].map((row) => modelOfRow(kind, row))),
    { id, kind: 'text', upstreamIds, entry: createEntry(id, { kind: 'text', firstSeen: seen, upstreamIds }) },
    ...modelKinds.flatMap((kind) =>
      Object.entries(modelAliases[kind]).map(([alias, { copilot, agent }]) => ({
        id: alias,
        kind,
        upstreamIds: { copilot: [copilot], agent: [agent] } as const,
        entry: undefined,
      })),
    ),
  ]
}

function modelOfRow(
  kind: ModelKind,
  { id, seen, shown, agent = id, copilot = id, keysOnly }: ModelRow,
): Model {
  const upstreamIds = { copilot: [copilot], agent: [agent] } as const
  return {
    id,
    kind,
    upstreamIds,
    entry: shown && createEntry(id, { kind, firstSeen: seen, upstreamIds }),
    ...(keysOnly && { keysOnly }),
  }
}

/** An id that the site itself lists. */
interface SiteModel {
  readonly id: string
  readonly kind: ModelKind
  /** ISO 8601 */
  readonly firstSeen: string
}

/** By `keyOf` their ids. */
type ModelTable = ReadonlyMap<string, Model>

const keyOf = (id: string): string => id.toLowerCase()

const tableOf = (accepted: readonly Model[]): ModelTable =>
  new Map(accepted.map((model) => [keyOf(model.id), model]))

/** What the site lists today comes first, and the agent protocol, which the lists are of, asks for it by its own name. */
function withSiteModels(table: ModelTable, listed: Iterable<SiteModel>): ModelTable {
  const merged = new Map<string, Model>()
  for (const { id, kind, firstSeen } of listed) {
    const known = table.get(keyOf(id))
    if (known && known.kind !== kind) continue
    const upstreamIds = { copilot: known?.upstreamIds.copilot ?? [id], agent: [id] } as const
    const entry = known?.entry
      ? { ...known.entry, upstreamIds }
      : createEntry(id, { kind, firstSeen, upstreamIds })
    merged.set(keyOf(id), { id, kind, upstreamIds, entry })
  }
  for (const [key, model] of table) if (!merged.has(key)) merged.set(key, model)
  return merged
}

const isMixture = (ids: readonly string[]): ids is UpstreamIds['agent'] =>
  ids.length === 3 && ids.every((id) => plausibleId.test(id))

/** The models that the site asks together today (WIRE 7.3), for the protocol that its list is of. */
function withMixture(table: ModelTable, agent: UpstreamIds['agent'] | undefined): ModelTable {
  if (!agent) return table
  const { id, seen } = mixture
  const upstreamIds: UpstreamIds = { copilot: mixture.upstreamIds.copilot, agent }
  const entry = createEntry(id, { kind: 'text', firstSeen: seen, upstreamIds })
  return new Map(table).set(keyOf(id), { id, kind: 'text', upstreamIds, entry })
}

/** What the operator says comes last and wins.
 *  @param changedAt  ISO 8601: the date of new models for which none is given */
function withChanges(table: ModelTable, changes: ModelChanges, changedAt: string): ModelTable {
  const merged = new Map(table)
  for (const change of changes.models) {
    merged.set(keyOf(change.id), changed(change, table.get(keyOf(change.id)), changedAt))
  }
  for (const [alias, target] of changes.aliases) {
    const model = merged.get(keyOf(target))
    if (model) merged.set(keyOf(alias), { ...model, id: alias, entry: undefined })
  }
  for (const id of changes.remove) merged.delete(keyOf(id))
  return merged
}

function changed(change: ModelChange, known: Model | undefined, changedAt: string): Model {
  const { id, kind, copilot, agent, hidden } = change
  const before = known?.kind === kind ? known : undefined
  const upstreamIds = {
    copilot: copilot ?? before?.upstreamIds.copilot ?? agent ?? [id],
    agent: agent ?? before?.upstreamIds.agent ?? copilot ?? [id],
  }
  const facts = {
    kind,
    upstreamIds,
    firstSeen: change.created ?? (before?.entry ? iso(before.entry.created) : changedAt),
    ownedBy: change.ownedBy ?? before?.entry?.ownedBy,
    displayName: change.displayName ?? before?.entry?.displayName,
  }
  return { id, kind, upstreamIds, entry: hidden ? undefined : createEntry(id, facts) }
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString()

/** The catalogue's spelling of a name: in lower case, `deepseek` as `deep-seek`, without a date, a `-latest` or, in
 *  Anthropic's names, a dot. The name itself wins over its variants.
 *  @returns undefined when no spelling is known */
function normaliseModelName(name: string, isKnown: (id: string) => boolean): string | undefined {
  const plain = name.trim().toLowerCase()
  const bare = bareName(plain)
  const candidates = [plain, withoutDate(plain)]
  if (bare !== plain) candidates.push(bare)
  // `gpt-3.5-turbo-0125`, `gemini-3.1-pro` for what is still a preview.
  candidates.push(bare.replace(/-\d{4}$/, ''), `${bare}-preview`)
  for (const id of [...candidates]) {
    if (id.startsWith('claude')) candidates.push(id.replaceAll('.', '-'))
    if (id.startsWith('deepseek')) candidates.push(id.replace('deepseek', 'deep-seek'))
  }
  return candidates.find(isKnown)
}

/** `claude-sonnet-4-5-20250929`, `gpt-4o-2024-08-06`, `claude-3-5-haiku-latest` */
const withoutDate = (id: string): string => id.replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$/, '')
