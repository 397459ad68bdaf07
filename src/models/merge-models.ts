import { createEntry } from './create-entry.ts'
import type { Model, ModelKind } from './model.ts'
import type { ModelChange, ModelChanges } from './parse-models-file.ts'

/** An id that the site itself lists. */
export interface SiteModel {
  readonly id: string
  readonly kind: ModelKind
  /** ISO 8601 */
  readonly firstSeen: string
}

/** By `keyOf` their ids. */
export type ModelTable = ReadonlyMap<string, Model>

export const keyOf = (id: string): string => id.toLowerCase()

export const tableOf = (models: readonly Model[]): ModelTable =>
  new Map(models.map((model) => [keyOf(model.id), model]))

/** What the site lists today comes first, and the agent protocol, which the lists are of, asks for it by its own name. */
export function withSiteModels(models: ModelTable, listed: Iterable<SiteModel>): ModelTable {
  const merged = new Map<string, Model>()
  for (const { id, kind, firstSeen } of listed) {
    const known = models.get(keyOf(id))
    if (known && known.kind !== kind) continue
    merged.set(keyOf(id), {
      id,
      kind,
      upstreamIds: { copilot: known?.upstreamIds.copilot ?? [id], agent: [id] },
      entry: known?.entry ?? createEntry(id, { kind, firstSeen }),
    })
  }
  for (const [key, model] of models) if (!merged.has(key)) merged.set(key, model)
  return merged
}

/** What the operator says comes last and wins.
 *  @param changedAt  ISO 8601: the date of new models for which none is given */
export function withChanges(models: ModelTable, changes: ModelChanges, changedAt: string): ModelTable {
  const merged = new Map(models)
  for (const change of changes.models) {
    merged.set(keyOf(change.id), changed(change, models.get(keyOf(change.id)), changedAt))
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
  const facts = {
    kind,
    firstSeen: change.created ?? (before?.entry ? iso(before.entry.created) : changedAt),
    ownedBy: change.ownedBy ?? before?.entry?.ownedBy,
    displayName: change.displayName ?? before?.entry?.displayName,
  }
  return {
    id,
    kind,
    upstreamIds: {
      copilot: copilot ?? before?.upstreamIds.copilot ?? agent ?? [id],
      agent: agent ?? before?.upstreamIds.agent ?? copilot ?? [id],
    },
    entry: hidden ? undefined : createEntry(id, facts),
  }
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString()
