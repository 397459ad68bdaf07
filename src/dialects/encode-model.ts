import type { KeyModel } from '../core/key-model.ts'
import type { CatalogueEntry } from '../models/create-entry.ts'
import { encodeList } from './list-page.ts'

/** A model with the fields of OpenAI's list and of Anthropic's, so that the clients of both accept it; Cherry Studio wants the words
 *  `list` and `model` and a number in `created`. */
export function encodeModel(entry: CatalogueEntry) {
  const { id, created, ownedBy, displayName, endpointTypes, contextLength, upstreamIds, keyModel } = entry
  return {
    id,
    object: 'model',
    created,
    owned_by: ownedBy,
    type: 'model',
    display_name: displayName,
    supported_endpoint_types: endpointTypes,
    ...(contextLength !== undefined && {
      context_length: contextLength,
      max_input_tokens: contextLength,
      architecture: {
        input_modalities: keyModel?.takesPictures === false ? ['text', 'file'] : ['text', 'image', 'file'],
        output_modalities: ['text'],
      },
      supported_parameters: ['tools', 'tool_choice', 'response_format', 'stop', 'max_tokens'],
    }),
    ...(keyModel && encodeKeyModel(keyModel)),
    // What the site is asked for in its place: `agent` and `copilot` are its two ways of asking.
    ...(upstreamIds && { upstream_models: upstreamIds }),
    created_at: new Date(created * 1000).toISOString(),
  }
}

/** What the catalogue of an API key tells beyond its context. */
const encodeKeyModel = ({ maxOutputTokens, efforts, takesPictures, cost }: KeyModel) => ({
  ...(maxOutputTokens !== undefined && {
    max_output_tokens: maxOutputTokens,
    max_completion_tokens: maxOutputTokens,
  }),
  ...(efforts && { reasoning: efforts.length > 0, reasoning_efforts: efforts }),
  ...(takesPictures !== undefined && { vision: takesPictures }),
  ...(cost && { cost }),
})

export function encodeModelList(entries: readonly CatalogueEntry[]) {
  return encodeList(entries.map(encodeModel), false)
}
