import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Store, StoredDocument } from '../store/store.ts'

/** Responses that can be asked for later and continued, as texts: only the dialect knows what is in them. An owner finds only
 *  their own. All throw {UnavailableError} `dependency_unavailable`. */
export interface KeptResponses {
  keep(kept: StoredDocument): Promise<void>
  find(id: string, owner: string): Promise<string | undefined>
  /** @returns false when it was removed or has expired */
  replace(id: string, text: string): Promise<boolean>
  /** @returns false when there is none */
  remove(id: string, owner: string): Promise<boolean>
}

/** 30 days, as OpenAI keeps them. */
const keptLifeMs = 30 * 24 * 60 * 60 * 1000

export function createKeptResponses(
  store: Pick<Store, 'saveDocument' | 'findDocument' | 'replaceDocument' | 'removeDocument'>,
): KeptResponses {
  /** Yields to other requests first: a conversation is many of these in a row, each to be parsed. */
  async function find(id: string, owner: string): Promise<string | undefined> {
    await nextTurn()
    const kept = await store.findDocument('response', id)
    return kept?.owner === owner ? kept.text : undefined
  }

  return {
    keep: (kept) => store.saveDocument('response', { ...kept, lifeMs: keptLifeMs }),
    find,
    replace: (id, text) => store.replaceDocument('response', id, text),
    remove: async (id, owner) =>
      (await find(id, owner)) !== undefined && (await store.removeDocument('response', id)),
  }
}
