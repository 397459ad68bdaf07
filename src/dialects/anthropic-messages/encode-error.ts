import type { ServiceError } from '../../core/errors.ts'

/** The one error body of the Messages routes, and the data of an `error` event. */
export interface ErrorBody {
  readonly type: 'error'
  readonly error: { readonly type: string; readonly message: string }
  readonly request_id: string
}

export function encodeError(error: ServiceError, requestId: string): ErrorBody {
  return {
    type: 'error',
    error: { type: errorTypes[error.status] ?? fallbackType(error.status), message: error.message },
    request_id: requestId,
  }
}

/** The vendor's types by status. Its 529 (overloaded) is 503 here. */
const errorTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
}

const fallbackType = (status: number): string => (status < 500 ? 'invalid_request_error' : 'api_error')
