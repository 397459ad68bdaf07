import { InvalidRequestError } from '../../core/errors.ts'
import { encodeRequest, encodeRequestPage, parseRequestQuery } from '../../dialects/admin-requests.ts'
import type { AppServices } from '../app-services.ts'
import type { RequestContext } from '../request-state.ts'
import type { AdminContext } from './context.ts'

/** What became of the last requests, one by one. */
export function createRequestHandlers({ records }: Pick<AppServices, 'records'>) {
  return {
    async list(context: RequestContext): Promise<void> {
      const query = parseRequestQuery(context.query)
      const page = await records?.page(query)
      context.body = encodeRequestPage(page ?? { records: [], isPartial: false })
    },

    async retrieve(context: AdminContext): Promise<void> {
      const record = await records?.find(context.params.id ?? '')
      if (!record) throw new InvalidRequestError('not_found', { message: forgotten })
      context.body = encodeRequest(record)
    },
  }
}

const forgotten = 'No request with this id is among the last ones.'
