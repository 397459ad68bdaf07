import type { WireGeneration } from '../core/wire-generation.ts'

export const modelKinds = ['text', 'image', 'video'] as const
export type ModelKind = (typeof modelKinds)[number]

/** What is shown of a model. */
export interface CatalogueEntry {
  readonly id: string
  /** Epoch seconds of the day on which the model was first seen. */
  readonly created: number
  readonly ownedBy: string
  readonly displayName: string
  /** In new-api's words, of which strict clients know no others; none for videos. Source: CLIENTS 2 */
  readonly endpointTypes: readonly ('openai' | 'image-generation')[]
}

/** One accepted name, with what it stands for. */
export interface Model {
  readonly id: string
  readonly kind: ModelKind
  /** What each generation is asked for: one id, or those of a mixture (UPSTREAM 7.3). */
  readonly upstreamIds: Readonly<Record<WireGeneration, readonly [string, ...string[]]>>
  /** As `GET /v1/models` shows it; undefined: accepted, but not shown. */
  readonly entry: CatalogueEntry | undefined
}

/** All that is known about the models of one kind. */
export interface ModelHistory {
  /** Shown, in this order: what the site offers today, best first, then the names of the predecessor's README. */
  readonly offered: Readonly<Record<WireGeneration | 'predecessor', readonly string[]>>
  /** Every accepted name under the day it was first seen on. */
  readonly firstSeen: Readonly<Record<string, readonly string[]>>
  /** What a generation is asked for a name that it no longer offers; any other name is asked as it is. */
  readonly successors: Readonly<Record<WireGeneration, Readonly<Record<string, string>>>>
}
