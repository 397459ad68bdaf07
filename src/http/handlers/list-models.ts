import { encodeModelList } from '../../dialects/encode-model.ts'
import type { AppServices } from '../app-services.ts'
import type { RequestContext } from '../request-state.ts'

export function createListModelsHandler({ catalogue }: Pick<AppServices, 'catalogue'>) {
  return (context: RequestContext): void => {
    context.body = encodeModelList(catalogue.list())
  }
}
