import type { CatalogueEntry } from '../models/create-entry.ts'

/** A model as the OpenAI and Anthropic SDKs and the strict clients all accept it. */
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
  return {
    object: 'list',
    data: entries.map(encodeModel),
    has_more: false,
    first_id: entries[0]?.id ?? null,
    last_id: entries.at(-1)?.id ?? null,
  }
}
