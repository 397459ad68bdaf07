import Router, { type RouterMiddleware } from '@koa/router'
import type { Config } from '../config.ts'
import type { AppServices } from './app-services.ts'
import { createAdminAccountsHandlers } from './handlers/admin-accounts.ts'
import { createAdminUsageHandler } from './handlers/admin-usage.ts'
import { createAdminGuard } from './middleware/guard-admin.ts'
import type { Middleware, RequestState } from './request-state.ts'
import { refuseUnmatched } from './routes.ts'

type Handler = RouterMiddleware<RequestState>

/** Everything under `/admin`: behind its own gate, and never beyond it. */
export function createAdminRoutes(config: Config, services: AppServices): Middleware {
  const base = `${config.routePrefix}/admin`
  const guard = createAdminGuard(config)
  const router = new Router<RequestState>()
  const accounts = createAdminAccountsHandlers(config, services)
  const add = (method: 'get' | 'post' | 'patch' | 'delete', path: string, handler: Handler) =>
    router[method](`/admin${path}`, base + path, handler)

  add('get', '/accounts', accounts.list)
  add('post', '/accounts', accounts.add)
  add('patch', '/accounts/:id', accounts.change)
  add('delete', '/accounts/:id', accounts.remove)
  add('post', '/accounts/:id/check', accounts.check)
  add('get', '/usage', createAdminUsageHandler(services))

  const routes = router.routes() as Middleware
  const refuse = refuseUnmatched
  return (context, next) => {
    if (context.path !== base && !context.path.startsWith(`${base}/`)) return next()
    context.set('Cache-Control', 'no-store')
    guard(context)
    return routes(context, async () => refuse(context, next))
  }
}
