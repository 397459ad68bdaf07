import type { Config } from '../config.ts'
import { isAbort, maxRetryAfterSeconds, ServiceError, UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { exhaustedCodes } from '../core/open-files.ts'
import { encodeError as encodeMessagesError } from '../dialects/anthropic-messages/encode-error.ts'
import { encodeError as encodeGeminiError } from '../dialects/gemini/encode-answer.ts'
import { encodeError } from '../dialects/openai-chat/encode-error.ts'
import type { Middleware, RequestContext } from './request-state.ts'
import { sendJson } from './send-json.ts'

/** Every failure before the headers ends here, in the body shape of its route. */
export function renderError({ routePrefix }: Pick<Config, 'routePrefix'>, logger: Logger): Middleware {
  return async (context, next) => {
    try {
      await next()
    } catch (thrown) {
      const error = toServiceError(context, thrown, logger)
      if (context.res.destroyed) return
      context.set(retryHeaders(error))
      const { requestId } = context.state
      const { path } = context
      const isMessages = isOfMessages(path, routePrefix)
      const openAiOrGoogle = geminiPath.test(path) ? encodeGeminiError(error) : bodyOf(path, error)
      const body = isMessages ? encodeMessagesError(error, requestId) : openAiOrGoogle
      sendJson(context, body, error.status)
    }
  }
}

/** Codex asks again and again on a 429 of any other type, and shows nothing. */
function bodyOf(path: string, error: ServiceError) {
  const body = encodeError(error)
  const waitMs = error.retryAfterMs ?? 0
  if (error.status !== 429 || waitMs <= maxRetryAfterSeconds * 1000 || !/\/responses(?:\/|$)/i.test(path))
    return body
  const resets_in_seconds = Math.ceil(waitMs / 1000)
  return { error: { ...body.error, type: 'usage_limit_reached', resets_in_seconds } }
}

/** What a client may be told of anything that was thrown. A bug is logged whole under the request id and shown as a plain 500. */
export function toServiceError(context: RequestContext, thrown: unknown, logger: Logger): ServiceError {
  const { requestId, signal } = context.state
  const aborted = isAbort(thrown, signal)
  const error: unknown = aborted ? signal.reason : thrown
  if (!aborted && !(error instanceof ServiceError))
    logger.error({ requestId, err: error }, 'unexpected error')
  const shown = error instanceof ServiceError ? error : translate(error)
  if (!aborted || shown === error) context.state.errorCode = shown.code
  return shown
}

function translate(error: unknown): ServiceError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!exhaustedCodes.has(code)) return new ServiceError('internal_error', { cause: error })
  return new UnavailableError('overloaded', { message: `This server is at a limit (${code}).`, cause: error })
}

/** SDKs obey `Retry-After` without a cap and retry 429 and 5xx by themselves: a longer wait is told as "do not retry". */
export function retryHeaders(error: ServiceError): Record<string, string> {
  const { retryAfterMs = 0, retryAfterSeconds, retryable } = error
  const headers: Record<string, string> = {}
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(retryAfterSeconds)
  if (retryable === false || retryAfterMs > maxRetryAfterSeconds * 1000) headers['x-should-retry'] = 'false'
  return headers
}

/** Clients of the Messages routes parse an envelope of their own. The path says it, not the route: most failures come from the
 *  gates in front of the routes. */
const isOfMessages = (path: string, routePrefix: string): boolean =>
  path.startsWith(routePrefix) && messagesPath.test(path.slice(routePrefix.length))

const geminiPath = /\/v1(?:beta|alpha)\/|\/models\/[^?]*:(?:stream)?[a-z]+(?:Content|Tokens)$/i

/** In every spelling that the router takes. */
const messagesPath = /^(\/v1){0,2}\/messages(\/|$)/i
