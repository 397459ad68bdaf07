// Room `http`: the HTTP server's face: who may ask, what is read and how it is written.
// Touches `dialects`, `gateway`, `models`, `core` and Koa; knows neither accounts nor the upstream.

import Koa from 'koa'
import type { Config } from '../config.ts'
import { createAdminRoutes } from './admin.ts'
import type { AppServices } from './app-services.ts'
import { clientAddress, createAddressBlock } from './client-address.ts'
import { createFileLinks } from './file-links.ts'
import { accessLog } from './middleware/access-log.ts'
import { assignRequestId } from './middleware/assign-request-id.ts'
import { authenticate } from './middleware/authenticate.ts'
import { clientSignal } from './middleware/client-signal.ts'
import { closeStalledResponse } from './middleware/close-stalled-response.ts'
import { cors } from './middleware/cors.ts'
import { limitRate } from './middleware/limit-rate.ts'
import { refuseUnmatched } from './middleware/refuse-unmatched.ts'
import { refuseWhenShuttingDown } from './middleware/refuse-when-shutting-down.ts'
import { renderError } from './render-error.ts'
import type { RequestContext, RequestState } from './request-state.ts'
import { createApiRoutes, createFileRoutes, createProbeRoutes, createVerifierRoutes } from './routes.ts'

export type { AppServices } from './app-services.ts'

export interface AppOptions {
  /** A response of which the client takes nothing for so long is closed. Default 60 s. */
  readonly writeStallMs?: number
}

export function createApp(
  config: Config,
  services: AppServices,
  { writeStallMs = 60_000 }: AppOptions = {},
): Koa<RequestState> {
  const { logger, clock } = services
  const links = createFileLinks({ ...config, clock })
  const app = new Koa<RequestState>()
  app.use(assignRequestId())
  app.use(clientSignal(services.shutdown))
  app.use(closeStalledResponse(writeStallMs))
  app.use(accessLog(services))
  app.use(renderError(config, logger))
  app.use(cors(config.corsOrigins))
  app.use(clientAddress(config.trustedProxyHops))
  const addressBlock = createAddressBlock(config.ipBlockList)
  if (addressBlock) app.use(addressBlock)
  app.use(createProbeRoutes(config, services))
  app.use(refuseWhenShuttingDown(services.isShuttingDown))
  app.use(createFileRoutes(config, services, links))
  app.use(limitRate(config.requestRateLimit, services.sharedLimit))
  app.use(createVerifierRoutes(config, services))
  app.use(createAdminRoutes(config, services))
  app.use(authenticate(config.apiSecrets))
  app.use(createApiRoutes(config, services, links))
  app.use(refuseUnmatched())

  // Only what broke outside of every middleware comes here: mostly the socket of a client that left, else a bug.
  app.on('error', (error: unknown, { req, state }: RequestContext) => {
    const write = req.socket.destroyed ? logger.debug : logger.error
    write.call(logger, { requestId: state.requestId, err: error }, 'response not delivered')
  })
  return app
}
