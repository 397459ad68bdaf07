import type { Config } from '../../config.ts'
import { InvalidRequestError } from '../../core/errors.ts'
import type { AppServices } from '../app-services.ts'
import { readBody } from '../read-body.ts'
import type { RequestContext } from '../request-state.ts'

/** Hands on what Genspark has not, to an address of the operator's own.
 *  @param path  there, e.g. `/embeddings`
 *  @throws {ServiceError} `not_found` where none is set, `pass_through_failed` */
export function createPassThroughHandler(
  { maxBodyBytes }: Pick<Config, 'maxBodyBytes'>,
  { passThrough }: Pick<AppServices, 'passThrough'>,
  path: string,
) {
  return async (context: RequestContext): Promise<void> => {
    if (!passThrough)
      throw new InvalidRequestError('not_found', {
        message: `Genspark has no ${path.slice(1)}. The operator can set EMBEDDINGS_BASE_URL to a service that has.`,
        retryable: false,
      })
    const body = await readBody(context, maxBodyBytes, 'invalid_json')
    const reply = await passThrough(path, body, context.state.signal)
    context.status = reply.status
    context.set('Content-Type', reply.contentType)
    context.body = reply.body
  }
}
