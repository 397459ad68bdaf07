import { InvalidRequestError, type ServiceError } from '../../core/errors.ts'

/** The one error body of the OpenAI routes; every field has the type that strict clients demand (CLIENTS rule 4). */
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
