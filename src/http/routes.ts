import Router, { type RouterMiddleware } from '@koa/router'
import type { Config } from '../config.ts'
import type { AppServices } from './app-services.ts'
import type { FileLinks } from './file-links.ts'
import { createBillingHandlers } from './handlers/billing.ts'
import { createChatCompletionsHandler } from './handlers/chat-completions.ts'
import { createFilesHandler } from './handlers/files.ts'
import { createGensparkHandler } from './handlers/genspark.ts'
import { createImagesHandler } from './handlers/images.ts'
import { createKeptResponseHandlers, refuseWebSocket } from './handlers/kept-responses.ts'
import { createCountMessageTokensHandler, createMessagesHandler } from './handlers/messages.ts'
import { createListModelsHandler, createRetrieveModelHandler } from './handlers/models.ts'
import { createMetricsHandler, createReadyzHandler, home, livez } from './handlers/probes.ts'
import { createResponsesHandler } from './handlers/responses.ts'
import { createVideoGenerationsHandler, createVideoHandlers } from './handlers/videos.ts'
import type { Middleware, RequestState } from './request-state.ts'

type Handler = RouterMiddleware<RequestState>

/** Answered before every gate but the block list, at the root and under the prefix. */
export function createProbeRoutes(config: Config, services: AppServices): Middleware {
  const router = new Router<RequestState>()
  const get = (path: string, handler: Handler) => router.get(path, anywhere(config) + path, handler)

  get('/', home)
  get('/livez', livez)
  get('/readyz', createReadyzHandler(services))
  get('/metrics', createMetricsHandler(config, services))
  return router.routes() as Middleware
}

/** Answered before the keys are checked: its clients can send none. Nothing is there unless VERIFIER_ENDPOINT opens it. */
export function createVerifierRoutes(config: Config, services: AppServices): Middleware {
  const router = new Router<RequestState>()
  const path = `${config.routePrefix}/genspark`
  if (config.verifierEndpoint) router.get('/genspark', path, createGensparkHandler(services))
  return router.routes() as Middleware
}

/** Before the gates that ask for a key or count requests: a page of pictures loads them all at once, and without a key. */
export function createFileRoutes(config: Config, services: AppServices, links: FileLinks): Middleware {
  const router = new Router<RequestState>()
  router.get('/files', `${anywhere(config)}/files/:name`, createFilesHandler(services, links))
  return router.routes() as Middleware
}

/** Each `/v1/x` answers also as `/x` and `/v1/v1/x` (CLIENTS rule 17). */
export function createApiRoutes(config: Config, services: AppServices, links: FileLinks): Middleware {
  const router = new Router<RequestState>()
  const post = (path: string, handler: Handler) => router.post(`/v1${path}`, anyBase(path), handler)
  const get = (path: string, handler: Handler) => router.get(`/v1${path}`, anyBase(path), handler)
  const remove = (path: string, handler: Handler) => router.delete(`/v1${path}`, anyBase(path), handler)
  const anyBase = (path: string) => `${config.routePrefix}{/v1}{/v1}${path}`
  const videos = createVideoHandlers(config, services)
  const responses = createKeptResponseHandlers(services)
  const billing = createBillingHandlers(services)

  post('/chat/completions', createChatCompletionsHandler(config, services, links))
  post('/messages', createMessagesHandler(config, services, links))
  post('/messages/count_tokens', createCountMessageTokensHandler(config, services))
  post('/images/generations', createImagesHandler(config, services, links, { imageRequired: false }))
  post('/images/edits', createImagesHandler(config, services, links, { imageRequired: true }))
  post('/videos/generations', createVideoGenerationsHandler(config, services, links))
  post('/videos', videos.create)
  get('/videos', videos.list)
  get('/videos/:id', videos.retrieve)
  get('/videos/:id/content', videos.content)
  remove('/videos/:id', videos.remove)
  get('/models', createListModelsHandler(services))
  get('/models/*id', createRetrieveModelHandler(services))
  get('/dashboard/billing/subscription', billing.subscription)
  get('/dashboard/billing/usage', billing.usage)
  post('/responses', createResponsesHandler(config, services, links))
  get('/responses', refuseWebSocket)
  get('/responses/:id', responses.retrieve)
  remove('/responses/:id', responses.remove)
  post('/responses/:id/cancel', responses.cancel)
  get('/responses/:id/input_items', responses.inputItems)
  return router.routes() as Middleware
}

/** At the root and under the prefix. */
const anywhere = ({ routePrefix }: Config): string => routePrefix && `{${routePrefix}}`
