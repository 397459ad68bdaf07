import type { RouterContext } from '@koa/router'
import { ServiceError } from '../../core/errors.ts'
import { encodeModel, encodeModelList } from '../../dialects/encode-model.ts'
import * as google from '../../dialects/gemini/encode-answer.ts'
import type { AppServices } from '../app-services.ts'
import type { RequestContext, RequestState } from '../request-state.ts'
import { sendJson } from '../send-json.ts'

export function createListModelsHandler({ catalogue }: Pick<AppServices, 'catalogue'>) {
  return (context: RequestContext): void => {
    if (isOfGoogle(context)) return sendJson(context, google.encodeModelList(catalogue.list()))
    const list = encodeModelList(catalogue.list())
    // Codex looks for a list of its own kind. An empty one leaves it to the list that it brings along.
    sendJson(context, context.query.client_version === undefined ? list : { ...list, models: [] })
  }
}

/** @throws {ServiceError} `model_not_found` for what only the mixture of models would answer */
export function createRetrieveModelHandler({ catalogue }: Pick<AppServices, 'catalogue'>) {
  return (context: RouterContext<RequestState> & RequestContext): void => {
    const entry = catalogue.find(context.params.id ?? '')
    if (!entry) throw new ServiceError('model_not_found')
    sendJson(context, isOfGoogle(context) ? google.encodeModel(entry) : encodeModel(entry))
  }
}

/** Google's clients ask for `/v1/models` too. */
const isOfGoogle = ({ req: { headers } }: Pick<RequestContext, 'req'>): boolean =>
  headers['x-goog-api-client'] !== undefined || headers['x-goog-api-key'] !== undefined
