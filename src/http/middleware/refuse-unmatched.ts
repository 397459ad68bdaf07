import { ServiceError } from '../../core/errors.ts'
import type { Middleware } from '../request-state.ts'

/** @throws {ServiceError} `method_not_allowed` when a route has this path, else `not_found` */
export function refuseUnmatched(): Middleware {
  return (context) => {
    const methods = new Set(context.matched?.flatMap((route) => route.methods))
    if (methods.size === 0) throw new ServiceError('not_found')
    context.set('Allow', [...methods].join(', '))
    throw new ServiceError('method_not_allowed')
  }
}
