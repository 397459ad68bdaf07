import { InvalidRequestError } from '../../core/errors.ts'

/** A client's schema that nothing can be checked against. */
export class InvalidSchemaError extends InvalidRequestError {
  /** Why, to the client, as the end of a sentence. */
  readonly reason: string

  constructor(reason: string, options?: ErrorOptions) {
    const brief = reason.slice(0, maxReasonLength)
    super('invalid_value', { ...options, message: `The JSON Schema cannot be used: ${brief}.` })
    this.reason = brief
  }
}

/** A reason quotes the client's schema, which may be long. */
const maxReasonLength = 500
