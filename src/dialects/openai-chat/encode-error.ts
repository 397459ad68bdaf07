import { InvalidRequestError, type ServiceError } from '../../core/errors.ts'

/** The one error body of the OpenAI routes. No field is left out or of another type: one-api decodes into typed fields and loses the
 *  message otherwise. */
export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
  }
}

export function encodeError(error: ServiceError): ErrorBody {
  const param = error instanceof InvalidRequestError ? (error.param ?? null) : null
  return { error: { message: error.message, type: error.type, param, code: error.code } }
}
