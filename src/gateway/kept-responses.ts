import { setImmediate as nextTurn } from 'node:timers/promises'
import { InvalidRequestError } from '../core/errors.ts'
import type { Store, StoredDocument } from '../store/store.ts'

/** Responses that can be asked for later and continued, as texts: only the dialect knows what is in them. An owner finds only
 *  their own. All throw {UnavailableError} `dependency_unavailable`; `keep` and `replace` {InvalidRequestError} `request_too_large`. */
export interface KeptResponses {
  /** @param continued  ids of the responses that it goes on from, in the order in which they were read: their conversation is in use,
   *    and stays whole while others are older */
  keep(kept: StoredDocument, continued?: Iterable<string>): Promise<void>
  find(id: string, owner: string): Promise<string | undefined>
  /** @returns false when it was removed or has expired */
  replace(id: string, text: string): Promise<boolean>
  /** @returns false when there is none */
  remove(id: string, owner: string): Promise<boolean>
}

/** 30 days, as OpenAI keeps them. */
const defaultKeepMs = 30 * 24 * 60 * 60 * 1000

/** In UTF-16 units: a longer text, mostly one with pictures in it, is not kept. */
const maxKeptLength = 2 * 1024 * 1024

function refuseTooLong(text: string): void {
  if (text.length <= maxKeptLength) return
  throw new InvalidRequestError('request_too_large', {
    message: 'The request and its answer are too long to be kept. Send less, or `store: false`.',
  })
}

/** @param keepMs  RESPONSES_KEEP_DAYS */
export function createKeptResponses(
  store: Pick<
    Store,
    'saveDocument' | 'findDocument' | 'replaceDocument' | 'touchDocuments' | 'removeDocument'
  >,
  { keepMs = defaultKeepMs }: { readonly keepMs?: number } = {},
): KeptResponses {
  /** Yields to other requests first: a conversation is many of these in a row, each to be parsed. */
  async function find(id: string, owner: string): Promise<string | undefined> {
    await nextTurn()
    const kept = await store.findDocument('response', id)
    return kept?.owner === owner ? kept.text : undefined
  }

  return {
    async keep(kept, continued = []) {
      refuseTooLong(kept.text)
      const inUse = [...continued].reverse()
      if (inUse.length > 0) await store.touchDocuments('response', inUse)
      await store.saveDocument('response', { ...kept, lifeMs: keepMs })
    },
    find,
    async replace(id, text) {
      refuseTooLong(text)
      return await store.replaceDocument('response', id, text)
    },
    remove: async (id, owner) =>
      (await find(id, owner)) !== undefined && (await store.removeDocument('response', id)),
  }
}
