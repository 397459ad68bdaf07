// Module `http`: the HTTP server's face: who may ask, what is read and how it is written. The only one that knows Koa.
// Touches `dialects` and `gateway`, and what the service hands it: models, accounts, tokens, files, counts (`app-services`).

import Koa from 'koa'
import type { Config } from '../config.ts'
import { UnavailableError } from '../core/errors.ts'
import { accessLog } from './access-log.ts'
import { createSession } from './admin/session.ts'
import { createAdminRoutes } from './admin.ts'
import type { AppServices } from './app-services.ts'
import { beginRequest } from './begin-request.ts'
import { createBodyBudget } from './body-budget.ts'
import { clientAddress, createAddressBlock } from './client-address.ts'
import { cors } from './cors.ts'
import { createFileLinks } from './file-links.ts'
import { createGuesses } from './guesses.ts'
import { authenticate, createKeys } from './keys.ts'
import { guardModels } from './limit-key.ts'
import { limitRate } from './limit-rate.ts'
import { renderError } from './render-error.ts'
import type { Middleware, RequestContext, RequestState } from './request-state.ts'
import { createRoutes, refuseUnmatched } from './routes.ts'

export type { AppServices } from './app-services.ts'

export interface AppOptions {
  /** A response of which the client takes nothing for so long is closed. Default 60 s. */
  readonly writeStallMs?: number
}

/** The middleware in its order. A route passes the gates that it names; what no route takes passes them all before it is refused,
 *  so that nobody without a key learns which paths there are. */
export function createApp(
  config: Config,
  services: AppServices,
  { writeStallMs = 60_000 }: AppOptions = {},
): Koa<RequestState> {
  const { logger, shutdown, isShuttingDown } = services
  const links = createFileLinks({ ...config, store: services.linkStore })
  const bearers = createKeys(config, services.operatorKey)
  const guesses = createGuesses()
  const open = refuseWhenShuttingDown(isShuttingDown)
  const limit = limitRate(config.requestRateLimit, services.sharedLimit)
  const session = createSession(config, services)
  const keys = authenticate(bearers, config, session, services.namedKeys)
  const app = new Koa<RequestState>()
  Object.assign(app.context, { bodyBudget: createBodyBudget(config.bodyBudgetBytes) })
  app.use(beginRequest({ shutdown, stallMs: writeStallMs }))
  app.use(squeezeSlashes)
  app.use(accessLog(services))
  if (config.debugHeaders) app.use(withDebugHeaders)
  app.use(renderError(config, logger))
  app.use(cors(config))
  app.use(clientAddress(config.trustedProxyHops, logger))
  const addressBlock = createAddressBlock(config.ipBlockList)
  if (addressBlock) app.use(addressBlock)
  app.use(
    createRoutes(
      config,
      { ...guardModels(services, services.namedKeys), links, keys: bearers, guesses, limit },
      {
        files: [open],
        verifier: [open, limit],
        api: [open, limit, keys],
      },
    ),
  )
  app.use(open)
  app.use(createAdminRoutes(config, { ...services, session, keys: bearers, guesses }))
  app.use(limit)
  app.use(keys)
  app.use(refuseUnmatched)

  // Only what broke outside of every middleware comes here: mostly the socket of a client that left, else a bug.
  app.on('error', (error: unknown, { req, state }: RequestContext) => {
    const write = req.socket.destroyed ? logger.debug : logger.error
    write.call(logger, { requestId: state.requestId, err: error }, 'response not delivered')
  })
  return app
}

/** A base URL that ends in a slash makes `//v1/...`. */
const squeezeSlashes: Middleware = (context, next) => {
  if (context.path.includes('//')) context.path = context.path.replace(/\/{2,}/g, '/')
  return next()
}

const withDebugHeaders: Middleware = ({ state }, next) => {
  state.debugHeaders = true
  return next()
}

/** From SIGTERM on nothing new begins; the connection is given up, so that the next request finds another replica.
 *  @throws {UnavailableError} `shutting_down` */
function refuseWhenShuttingDown(isShuttingDown: () => boolean): Middleware {
  return (context, next) => {
    if (!isShuttingDown()) return next()
    context.set('Connection', 'close')
    // The nginx of scripts/lib/replicas asks for this: it sends the request, of which nothing was done, to another one by itself.
    if (context.get('X-Another-Replica')) context.set('X-Accel-Redirect', '@another-replica')
    throw new UnavailableError('shutting_down', { retryAfterMs: 1_000 })
  }
}
