import type { CatalogueEntry } from '../models/create-entry.ts'
import { encodeList } from './list-page.ts'

/** A model with the fields of OpenAI's list and of Anthropic's, so that the clients of both accept it; Cherry Studio wants the words
 *  `list` and `model` and a number in `created`. */
export function encodeModel({ id, created, ownedBy, displayName, endpointTypes }: CatalogueEntry) {
  return {
    id,
    object: 'model',
    created,
    owned_by: ownedBy,
    type: 'model',
    display_name: displayName,
    supported_endpoint_types: endpointTypes,
    created_at: new Date(created * 1000).toISOString(),
  }
}

export function encodeModelList(entries: readonly CatalogueEntry[]) {
  return encodeList(entries.map(encodeModel), false)
}
