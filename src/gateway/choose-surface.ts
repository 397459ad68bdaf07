import type { Account } from '../core/account.ts'
import type { ChatPrompt } from '../core/chat-request.ts'
import { InvalidRequestError } from '../core/errors.ts'
import type { MediaModel } from '../core/media-request.ts'
import type { KeyModels } from '../models/key-models.ts'
import { keyMediaId } from '../upstream/vendor-api/media-contract.ts'

/** Whether there is any account of the kind. */
export type HasKind = (kind: Account['kind']) => boolean

/** The API keys that there are, and what each is served. */
export interface KeySurface {
  /** By their account's key. */
  accountKeys(): readonly string[]
  readonly models: Pick<KeyModels, 'servedBy'>
}

export const noKeys: KeySurface = { accountKeys: () => [], models: { servedBy: () => undefined } }

/** Of which accounts one is to be leased. */
export interface Surface {
  /** Undefined: of either. */
  readonly kind?: Account['kind']
  /** Keys that are not served the model. */
  readonly exclude?: readonly string[]
}

/** Which accounts can serve a chat: a key has neither web search nor mixtures, is never asked in words what it has fields for, and
 *  never for a model that it does not list. Everything else both can, the key first. docs/keys.md has the table. Pure.
 *  @throws {InvalidRequestError} `invalid_value`, `model_not_found`: no account that there is can ever serve it */
export function chooseSurface(
  { model, inWords }: ChatPrompt,
  hasKind: HasKind = () => true,
  keys: KeySurface = noKeys,
): Surface {
  const hasCookie = hasKind('cookie')
  if (model.search) {
    if ((hasCookie && !model.keysOnly) || !hasKind('api-key')) return cookies
    throw new InvalidRequestError('invalid_value', {
      message: model.keysOnly
        ? `Web search needs a cookie, and API keys alone are served ${model.id.slice(0, 100)}.`
        : 'Web search needs a cookie: an API key has none.',
      param: 'model',
      retryable: false,
    })
  }
  if (model.mixture || inWords) {
    if (hasCookie || !hasKind('api-key')) return cookies
    throw notFound(`${model.id.slice(0, 100)} for API keys, and no cookie to ask a mixture with`)
  }
  const accountKeys = keys.accountKeys()
  if (accountKeys.length === 0) return anyAccount
  const exclude = accountKeys.filter((key) => keys.models.servedBy(key, model) === undefined)
  if (exclude.length === 0) return model.keysOnly ? apiKeys : anyAccount
  if (exclude.length < accountKeys.length) return { exclude, ...(model.keysOnly && apiKeys) }
  if (hasCookie && !model.keysOnly) return cookies
  throw notFound(
    `${model.id.slice(0, 100)}: no API key is served it. GET /v1/models lists those that there are`,
  )
}

const cookies: Surface = { kind: 'cookie' }
const apiKeys: Surface = { kind: 'api-key' }
const anyAccount: Surface = {}

const notFound = (what: string) =>
  new InvalidRequestError('model_not_found', {
    message: `There is no model ${what}.`,
    param: 'model',
    retryable: false,
  })

/** The same of pictures and videos: a key is asked for the models of its own tools alone. */
export function chooseMediaSurface(
  model: MediaModel,
  hasKind: HasKind = () => true,
): Account['kind'] | undefined {
  if (keyMediaId(model) !== undefined) {
    if (!model.keysOnly) return undefined
    if (hasKind('api-key') || !hasKind('cookie')) return 'api-key'
    throw notFound(`${model.id.slice(0, 100)} for cookies, and no API key`)
  }
  if (hasKind('cookie') || !hasKind('api-key')) return 'cookie'
  throw new InvalidRequestError('model_not_found', {
    message: `There is no model ${model.id.slice(0, 100)} for API keys.`,
    param: 'model',
    retryable: false,
  })
}
