import Router, { type RouterMiddleware } from '@koa/router'
import type { Config } from '../config.ts'
import type { AppServices } from './app-services.ts'
import { createChatCompletionsHandler } from './handlers/chat-completions.ts'
import { home } from './handlers/home.ts'
import { createListModelsHandler } from './handlers/list-models.ts'
import { livez } from './handlers/livez.ts'
import { createMetricsHandler } from './handlers/metrics.ts'
import { createReadyzHandler } from './handlers/readyz.ts'
import { refuseWebSocket } from './handlers/refuse-web-socket.ts'
import { createRetrieveModelHandler } from './handlers/retrieve-model.ts'
import type { Middleware, RequestState } from './request-state.ts'

type Handler = RouterMiddleware<RequestState>

/** Answered before every gate but the block list, at the root and under the prefix. */
export function createProbeRoutes(config: Config, services: AppServices): Middleware {
  const router = new Router<RequestState>()
  const anywhere = config.routePrefix && `{${config.routePrefix}}`
  const get = (path: string, handler: Handler) => router.get(path, anywhere + path, handler)

  get('/', home)
  get('/livez', livez)
  get('/readyz', createReadyzHandler(services))
  get('/metrics', createMetricsHandler(config, services))
  return router.routes() as Middleware
}

/** Each `/v1/x` answers also as `/x` and `/v1/v1/x` (CLIENTS rule 17). */
export function createApiRoutes(config: Config, services: AppServices): Middleware {
  const router = new Router<RequestState>()
  const post = (path: string, handler: Handler) => router.post(`/v1${path}`, anyBase(path), handler)
  const get = (path: string, handler: Handler) => router.get(`/v1${path}`, anyBase(path), handler)
  const anyBase = (path: string) => `${config.routePrefix}{/v1}{/v1}${path}`

  post('/chat/completions', createChatCompletionsHandler(config, services))
  get('/models', createListModelsHandler(services))
  get('/models/*id', createRetrieveModelHandler(services))
  get('/responses', refuseWebSocket)
  return router.routes() as Middleware
}
