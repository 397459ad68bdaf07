import type { RouterContext } from '@koa/router'
import { ServiceError } from '../../core/errors.ts'
import { encodeModel } from '../../dialects/encode-model.ts'
import type { AppServices } from '../app-services.ts'
import type { RequestState } from '../request-state.ts'

/** @throws {ServiceError} `model_not_found`; chat takes unknown names all the same (DESIGN 4) */
export function createRetrieveModelHandler({ catalogue }: Pick<AppServices, 'catalogue'>) {
  return (context: RouterContext<RequestState>): void => {
    const entry = catalogue.find(context.params.id ?? '')
    if (!entry) throw new ServiceError('model_not_found')
    context.body = encodeModel(entry)
  }
}
