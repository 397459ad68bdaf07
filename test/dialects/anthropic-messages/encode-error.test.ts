import { expect, it } from 'vitest'
import { type ErrorCode, errorTable, InvalidRequestError, ServiceError } from '../../../src/core/errors.ts'
import { encodeError } from '../../../src/dialects/anthropic-messages/encode-error.ts'

it('tells what happened in the envelope of the format', () => {
  const error = new InvalidRequestError('invalid_value', {
    message: 'max_tokens: too small.',
    param: 'max_tokens',
  })
  expect(encodeError(error, 'req-1')).toEqual({
    type: 'error',
    error: { type: 'invalid_request_error', message: 'max_tokens: too small.' },
    request_id: 'req-1',
  })
})

it('has a type of the vendor for every status', () => {
  const types = (Object.keys(errorTable) as ErrorCode[]).map((code) => {
    const error = new ServiceError(code)
    return [error.status, encodeError(error, '').error.type] as const
  })
  expect(Object.fromEntries(types)).toEqual({
    400: 'invalid_request_error',
    401: 'authentication_error',
    403: 'permission_error',
    404: 'not_found_error',
    405: 'invalid_request_error',
    413: 'request_too_large',
    415: 'invalid_request_error',
    426: 'invalid_request_error',
    429: 'rate_limit_error',
    500: 'api_error',
    502: 'api_error',
    503: 'overloaded_error',
    504: 'timeout_error',
  })
})
