import type { RouterContext } from '@koa/router'
import { ServiceError } from '../../core/errors.ts'
import { encodeModel, encodeModelList } from '../../dialects/encode-model.ts'
import type { AppServices } from '../app-services.ts'
import type { RequestContext, RequestState } from '../request-state.ts'
import { sendJson } from '../send-json.ts'

export function createListModelsHandler({ catalogue }: Pick<AppServices, 'catalogue'>) {
  return (context: RequestContext): void => {
    sendJson(context, encodeModelList(catalogue.list()))
  }
}

/** @throws {ServiceError} `model_not_found`, though a chat may ask for the same name: it is answered by a mixture of models */
export function createRetrieveModelHandler({ catalogue }: Pick<AppServices, 'catalogue'>) {
  return (context: RouterContext<RequestState>): void => {
    const entry = catalogue.find(context.params.id ?? '')
    if (!entry) throw new ServiceError('model_not_found')
    sendJson(context, encodeModel(entry))
  }
}
