import type { Account } from '../core/account.ts'
import type { ChatPrompt } from '../core/chat-request.ts'
import { InvalidRequestError } from '../core/errors.ts'
import type { MediaModel } from '../core/media-request.ts'
import { keyMediaId } from '../upstream/vendor-api/media-contract.ts'

/** Whether there is any account of the kind. */
export type HasKind = (kind: Account['kind']) => boolean

/** Which accounts can serve a chat: a key has neither web search nor mixtures, and is never asked in words what it has fields for.
 *  Everything else both can, the key first. docs/keys.md has the table. Pure.
 *  @returns undefined: whichever is free
 *  @throws {InvalidRequestError} `invalid_value`, `model_not_found`: no account that there is can ever serve it */
export function chooseSurface(
  { model, inWords }: ChatPrompt,
  hasKind: HasKind = () => true,
): Account['kind'] | undefined {
  if (!model.search && !model.mixture && !inWords) return undefined
  if (hasKind('cookie') || !hasKind('api-key')) return 'cookie'
  if (model.search) {
    throw new InvalidRequestError('invalid_value', {
      message: 'Web search needs a cookie: an API key has none.',
      param: 'model',
      retryable: false,
    })
  }
  throw new InvalidRequestError('model_not_found', {
    message: `There is no model ${model.id.slice(0, 100)} for API keys, and no cookie to ask a mixture with.`,
    param: 'model',
    retryable: false,
  })
}

/** The same of pictures and videos: a key is asked for the models of its own tools alone. */
export function chooseMediaSurface(
  model: MediaModel,
  hasKind: HasKind = () => true,
): Account['kind'] | undefined {
  if (keyMediaId(model) !== undefined) return undefined
  if (hasKind('cookie') || !hasKind('api-key')) return 'cookie'
  throw new InvalidRequestError('model_not_found', {
    message: `There is no model ${model.id.slice(0, 100)} for API keys.`,
    param: 'model',
    retryable: false,
  })
}
