import type { ServiceError } from '../core/errors.ts'
import { encodeError as encodeMessagesError } from '../dialects/anthropic-messages/encode-error.ts'
import { encodeError } from '../dialects/openai-chat/encode-error.ts'
import type { RequestContext } from './request-state.ts'

/** The body of a failure as the clients of its path parse it. The path says it, not the route: most failures come from the gates
 *  in front of the routes. */
export function createErrorBody(
  routePrefix: string,
): (context: RequestContext, error: ServiceError) => object {
  return ({ path, state }, error) =>
    path.startsWith(routePrefix) && messagesPath.test(path.slice(routePrefix.length))
      ? encodeMessagesError(error, state.requestId)
      : encodeError(error)
}

/** In every spelling that the router takes. */
const messagesPath = /^(\/v1){0,2}\/messages(\/|$)/i
