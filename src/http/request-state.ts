import type Koa from 'koa'
import type { ErrorCode } from '../core/errors.ts'
import type { RequestRecord } from '../records/record.ts'
import type { BodyBudget, HeldBody } from './body-budget.ts'

/** What the middleware knows of a request (`ctx.state`). */
export interface RequestState {
  readonly requestId: string
  /** The client's, not that of a trusted proxy; IPv4 written as such. */
  readonly clientAddress: string
  /** Aborted when the client leaves or the service ends; the reason of the latter is a ServiceError. */
  readonly signal: AbortSignal
  /** A label of the key that let the request in, never the key (`callerOf`). */
  caller?: string
  /** What becomes of the request, noted on its way. */
  record?: RequestRecord
  /** Headers tell what is known of the request: with DEBUG_HEADERS, and always to the operator's key. */
  debugHeaders?: true
  /** What its body takes of the budget, once some of it has come. */
  body?: HeldBody
  /** What the client was told, for the access log. */
  errorCode?: ErrorCode
  /** Left by koa-ratelimit on a request that it refuses; `after` in seconds. */
  readonly rateLimit?: { readonly after: number }
}

/** What @koa/router leaves behind. */
interface RouterTraces {
  /** Every route with this path, whatever its method. */
  readonly matched?: readonly { readonly methods: readonly string[] }[]
  readonly _matchedRouteName?: string
}

/** Of the app, found by each request in its context. */
interface AppContext {
  /** Absent: bodies are bounded one by one alone. */
  readonly bodyBudget?: BodyBudget
}

export type RequestContext = Koa.ParameterizedContext<RequestState, RouterTraces & AppContext>
export type Middleware = Koa.Middleware<RequestState, RouterTraces & AppContext>

/** For the middleware that fills a field in, once. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] }
