import { ServiceError } from '../../core/errors.ts'
import { createKeyCheck } from '../api-key.ts'
import type { Middleware } from '../request-state.ts'

/** @param secrets  none: everyone may ask
 *  @throws {ServiceError} `invalid_api_key` */
export function authenticate(secrets: readonly string[]): Middleware {
  const hasKey = createKeyCheck(secrets)
  return (context, next) => {
    if (!hasKey(context)) throw new ServiceError('invalid_api_key')
    return next()
  }
}
