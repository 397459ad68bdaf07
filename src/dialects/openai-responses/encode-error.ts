import { InvalidRequestError, type ServiceError } from '../../core/errors.ts'
import type { ResponseFailure } from './response-object.ts'

/** The fields of an `error` event. */
export function encodeError(error: ServiceError) {
  const param = error instanceof InvalidRequestError ? (error.param ?? null) : null
  return { code: error.code, message: error.message, param }
}

/** Why a response failed, in the vendor's few codes. Codex repeats the request after all of them but `invalid_prompt`; after
 *  `rate_limit_exceeded` when the message tells (CLIENTS 11). */
export function encodeFailure(error: ServiceError): ResponseFailure {
  const { message, retryAfterSeconds } = error
  if (error instanceof InvalidRequestError) return { code: 'invalid_prompt', message }
  if (error.type !== 'rate_limit_error') return { code: 'server_error', message }
  if (retryAfterSeconds === undefined) return { code: 'rate_limit_exceeded', message }
  return { code: 'rate_limit_exceeded', message: `${message} Please try again in ${retryAfterSeconds}s.` }
}
