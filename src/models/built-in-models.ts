import { createEntry } from './create-entry.ts'
import { imageModels } from './image-models.ts'
import { type Model, type ModelHistory, type ModelKind, modelKinds } from './model.ts'
import { modelAliases } from './model-aliases.ts'
import { mixtureModels, textModels } from './text-models.ts'
import { videoModels } from './video-models.ts'

const histories: Readonly<Record<ModelKind, ModelHistory>> = {
  text: textModels,
  image: imageModels,
  video: videoModels,
}

/** Every name that is accepted without further ado, the shown ones first and in their order. */
export function builtInModels(): readonly Model[] {
  const mixture: Model = {
    id: mixtureModels.id,
    kind: 'text',
    upstreamIds: mixtureModels.upstreamIds,
    entry: createEntry(mixtureModels.id, { kind: 'text', firstSeen: mixtureModels.firstSeen }),
  }
  return [...modelKinds.flatMap(seenModels), mixture, ...modelKinds.flatMap(aliases)]
}

function seenModels(kind: ModelKind): Model[] {
  const { offered, firstSeen, successors } = histories[kind]
  const days = new Map(Object.entries(firstSeen).flatMap(([day, ids]) => ids.map((id) => [id, day] as const)))
  const shown = new Set([...offered.agent, ...offered.copilot, ...offered.predecessor])
  const hidden = [...days.keys()].filter((id) => !shown.has(id))
  const asked = (id: string): Model['upstreamIds'] => ({
    copilot: [successors.copilot[id] ?? id],
    agent: [successors.agent[id] ?? id],
  })
  const entryOf = (id: string) => createEntry(id, { kind, firstSeen: days.get(id) ?? '' })
  return [
    ...[...shown].map((id) => ({ id, kind, upstreamIds: asked(id), entry: entryOf(id) })),
    ...hidden.map((id) => ({ id, kind, upstreamIds: asked(id), entry: undefined })),
  ]
}

function aliases(kind: ModelKind): Model[] {
  return Object.entries(modelAliases[kind]).map(([id, { copilot, agent }]) => ({
    id,
    kind,
    upstreamIds: { copilot: [copilot], agent: [agent] },
    entry: undefined,
  }))
}
