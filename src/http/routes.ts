import Router, { type RouterMiddleware } from '@koa/router'
import type { Config } from '../config.ts'
import { ServiceError } from '../core/errors.ts'
import type { AppServices } from './app-services.ts'
import type { FileLinks } from './file-links.ts'
import type { Guesses } from './guesses.ts'
import { createAudioHandlers } from './handlers/audio.ts'
import { createBillingHandlers } from './handlers/billing.ts'
import { createChatCompletionsHandler } from './handlers/chat-completions.ts'
import { createCompletionsHandler } from './handlers/completions.ts'
import { createFilesHandler } from './handlers/files.ts'
import { createGeminiHandlers } from './handlers/gemini.ts'
import { createGensparkHandler } from './handlers/genspark.ts'
import { createHomeHandler } from './handlers/home.ts'
import { createImagesHandler } from './handlers/images.ts'
import { createKeptResponseHandlers, refuseWebSocket } from './handlers/kept-responses.ts'
import { createCountMessageTokensHandler, createMessagesHandler } from './handlers/messages.ts'
import { createListModelsHandler, createRetrieveModelHandler } from './handlers/models.ts'
import { createPassThroughHandler } from './handlers/pass-through.ts'
import { createMetricsHandler, createReadyzHandler, livez } from './handlers/probes.ts'
import { createResponsesHandlers } from './handlers/responses.ts'
import { createVideoGenerationsHandler, createVideoHandlers } from './handlers/videos.ts'
import type { Keys } from './keys.ts'
import type { Middleware, RequestState } from './request-state.ts'
import { createResponseTapes } from './response-tapes.ts'

type Handler = RouterMiddleware<RequestState>

/** The gates in front of a route, in their order. */
export interface Gates {
  /** A page of pictures loads them all at once, and without a key. */
  readonly files: readonly Handler[]
  /** The clients of the token service can send no key. */
  readonly verifier: readonly Handler[]
  readonly api: readonly Handler[]
}

/** What the app makes for the handlers. */
export interface RouteServices {
  readonly links: FileLinks
  readonly keys: Keys
  readonly guesses: Guesses
  /** For asks beyond the one that every request is. */
  readonly limit: Middleware
}

/** Path to handler; the probes pass no gate. Each `/v1/x` answers also as `/x` and `/v1/v1/x`, as clients put their base URL
 *  together. */
export function createRoutes(
  config: Config,
  services: AppServices & RouteServices,
  gates: Gates,
): Middleware {
  const { links, keys, guesses, limit } = services
  const router = new Router<RequestState>()
  // At the root and under the prefix.
  const anywhere = config.routePrefix && `{${config.routePrefix}}`
  const anyBase = (path: string) => `${config.routePrefix}{/v1}{/v1}${path}`
  const add = (method: 'get' | 'post' | 'delete', path: string, handler: Handler) =>
    router[method](`/v1${path}`, anyBase(path), ...gates.api, handler)
  const post = (path: string, handler: Handler) => add('post', path, handler)
  const get = (path: string, handler: Handler) => add('get', path, handler)
  const remove = (path: string, handler: Handler) => add('delete', path, handler)
  const probe = (path: string, handler: Handler) => router.get(path, anywhere + path, handler)
  const audio = createAudioHandlers(config, services)
  const videos = createVideoHandlers(config, services)
  const tapes = createResponseTapes()
  const responses = createKeptResponseHandlers(config, services, tapes)
  const billing = createBillingHandlers(services)

  const asking = createResponsesHandlers(config, services, links, tapes)
  const gemini = createGeminiHandlers(config, services, links)

  post('/chat/completions', createChatCompletionsHandler(config, services, links, limit))
  post('/completions', createCompletionsHandler(config, services, links))
  post('/embeddings', createPassThroughHandler(config, services, '/embeddings'))
  post('/moderations', createPassThroughHandler(config, services, '/moderations'))
  post('/responses', asking.create)
  post('/responses/compact', asking.compact)
  post('/responses/input_tokens', asking.countInput)
  post('/messages', createMessagesHandler(config, services, links))
  post('/messages/count_tokens', createCountMessageTokensHandler(config, services))
  post('/images/generations', createImagesHandler(config, services, links, { imageRequired: false, limit }))
  post('/images/edits', createImagesHandler(config, services, links, { imageRequired: true, limit }))
  post('/audio/speech', audio.speech)
  post('/audio/transcriptions', audio.transcription)
  post('/videos/generations', createVideoGenerationsHandler(config, services, links))
  post('/videos', videos.create)
  get('/videos', videos.list)
  get('/videos/:id', videos.retrieve)
  get('/videos/:id/content', videos.content)
  remove('/videos/:id', videos.remove)
  get('/models', createListModelsHandler(services))
  get('/models/*id', createRetrieveModelHandler(services) as Handler)
  post('/models/*call', gemini.call as Handler)
  for (const version of ['/v1beta', '/v1alpha']) {
    const base = `${config.routePrefix}${version}/models`
    router.get('/v1beta/models', base, ...gates.api, gemini.list as Handler)
    router.get('/v1beta/models/*id', `${base}/*id`, ...gates.api, gemini.retrieve as Handler)
    router.post('/v1beta/models/*call', `${base}/*call`, ...gates.api, gemini.call as Handler)
  }
  for (const [path, message] of Object.entries(notHere)) {
    const refuse: Handler = () => {
      throw new ServiceError('not_found', { message })
    }
    for (const each of [path, `${path}/*rest`]) router.all(`/v1${each}`, anyBase(each), ...gates.api, refuse)
  }
  for (const path of ['/videos/:id/remix', '/videos/:id/edit'])
    post(path, () => {
      throw new ServiceError('not_found', {
        message: 'Videos cannot be changed here; make a new one with POST /v1/videos.',
      })
    })
  get('/dashboard/billing/subscription', billing.subscription)
  get('/dashboard/billing/usage', billing.usage)
  get('/responses', refuseWebSocket)
  get('/responses/:id', responses.retrieve)
  remove('/responses/:id', responses.remove)
  post('/responses/:id/cancel', responses.cancel)
  get('/responses/:id/input_items', responses.inputItems)

  const home: Handler = createHomeHandler(config)
  probe('/', home)
  // Claude Code's, at its start and without a key.
  router.head('/api/hello', `${anywhere}/api/hello`, home)
  probe('/livez', livez)
  probe('/readyz', createReadyzHandler(config, keys, guesses, services))
  probe('/metrics', createMetricsHandler(keys, guesses, services))

  const files: Handler = createFilesHandler(services, links)
  router.get('/files', `${anywhere}/files/:name`, ...gates.files, files)
  const verifier: Handler = createGensparkHandler(services)
  const verifierPath = `${config.routePrefix}/genspark`
  if (config.verifierEndpoint) router.get('/genspark', verifierPath, ...gates.verifier, verifier)
  return router.routes() as Middleware
}

/** What SDKs know and Genspark has not, with what is there in its place. */
const notHere: Readonly<Record<string, string>> = {
  '/conversations': 'Conversations are not kept here; use previous_response_id of /v1/responses.',
  '/images/variations': 'Genspark makes no variations; use /v1/images/edits with a prompt.',
  '/audio/translations': 'Genspark does not translate speech; send its text to /v1/chat/completions.',
  '/assistants': 'Assistants are not supported; use /v1/responses.',
  '/threads': 'Threads are not supported; use previous_response_id of /v1/responses.',
  '/batches':
    'Batches are not supported; send the requests one by one, or with background: true to /v1/responses.',
  '/vector_stores': 'Vector stores are not supported; send the text with the question.',
  '/fine_tuning': 'Genspark does not tune models.',
}

/** @throws {ServiceError} `method_not_allowed` when a route has this path, else `not_found` */
export const refuseUnmatched: Middleware = (context) => {
  const methods = new Set(context.matched?.flatMap((route) => route.methods))
  if (methods.size === 0) throw new ServiceError('not_found')
  context.set('Allow', [...methods].join(', '))
  throw new ServiceError('method_not_allowed', {
    message: `Method not allowed; use ${[...methods].join(' or ')}.`,
  })
}
