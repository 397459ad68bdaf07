import type { ServiceError } from '../../core/errors.ts'
import { encodeFailure } from './encode-error.ts'
import { isUnfinished } from './kept-response.ts'
import type { ResponseObject } from './response-object.ts'

/** A response that ended otherwise than by its answer. */

export const failedResponse = (response: ResponseObject, error: ServiceError): ResponseObject => ({
  ...response,
  status: 'failed',
  error: encodeFailure(error),
})

export const cancelledResponse = (response: ResponseObject): ResponseObject => ({
  ...response,
  status: 'cancelled',
})

/** One that is unfinished longer than anything is worked on was lost with its process.
 *  @param now  seconds since the epoch, like `maxAge` in seconds */
export function asOf(response: ResponseObject, now: number, maxAge: number): ResponseObject {
  if (!isUnfinished(response) || now - response.created_at <= maxAge) return response
  const message = 'The server ended while it made this response. Send the request again.'
  return { ...response, status: 'failed', error: { code: 'server_error', message } }
}
