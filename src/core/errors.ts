/** Every public error code with its status and type. The text is the default; a thrower may say more. */
export const errorTable = {
  invalid_json: { status: 400, type: 'invalid_request_error', text: 'The request body is not valid JSON.' },
  json_too_deep: {
    status: 400,
    type: 'invalid_request_error',
    text: 'The request body is nested too deeply.',
  },
  invalid_value: { status: 400, type: 'invalid_request_error', text: 'The request has an invalid value.' },
  previous_response_not_found: {
    status: 400,
    type: 'invalid_request_error',
    text: 'There is no such previous response, or it has expired.',
  },
  image_url_not_allowed: {
    status: 400,
    type: 'invalid_request_error',
    text: 'This image URL is not allowed.',
  },
  image_fetch_failed: { status: 400, type: 'invalid_request_error', text: 'The image could not be fetched.' },
  invalid_api_key: {
    status: 401,
    type: 'invalid_request_error',
    text: 'Incorrect API key provided. Use one of the keys in API_SECRET.',
  },
  ip_blocked: { status: 403, type: 'permission_error', text: 'Requests from this address are blocked.' },
  origin_not_allowed: {
    status: 403,
    type: 'permission_error',
    text: 'This web origin is not in CORS_ORIGINS.',
  },
  model_not_allowed: {
    status: 403,
    type: 'invalid_request_error',
    text: 'This key may not use this model.',
  },
  not_found: {
    status: 404,
    type: 'invalid_request_error',
    text: 'There is no such route. The API is under /v1, e.g. POST /v1/chat/completions.',
  },
  model_not_found: { status: 404, type: 'invalid_request_error', text: 'There is no such model.' },
  method_not_allowed: {
    status: 405,
    type: 'invalid_request_error',
    text: 'Method not allowed.',
  },
  upgrade_not_supported: {
    status: 426,
    type: 'invalid_request_error',
    text: 'This server does not speak WebSocket. Send a POST request.',
  },
  request_too_large: { status: 413, type: 'invalid_request_error', text: 'The request body is too large.' },
  unsupported_media_type: {
    status: 415,
    type: 'invalid_request_error',
    text: 'Send the request body as application/json.',
  },
  rate_limit_exceeded: { status: 429, type: 'rate_limit_error', text: 'Too many requests. Slow down.' },
  all_accounts_cooling: {
    status: 429,
    type: 'rate_limit_error',
    text: 'All cookies are temporarily unavailable.',
  },
  upstream_challenge: {
    status: 502,
    type: 'server_error',
    text: 'Detected Cloudflare Challenge Page: the site does not let this program through. A page in Chromium may pass: GENSPARK_TRANSPORT=auto.',
  },
  upstream_reset: {
    status: 502,
    type: 'server_error',
    text: 'Connection closed by Genspark before the answer was whole.',
  },
  upstream_bad_response: {
    status: 502,
    type: 'server_error',
    text: 'Genspark sent something that this service does not understand.',
  },
  upstream_empty: { status: 502, type: 'server_error', text: 'Genspark sent an empty answer.' },
  upstream_event_too_large: {
    status: 502,
    type: 'server_error',
    text: 'Genspark sent an event over the size limit.',
  },
  model_mismatch: {
    status: 502,
    type: 'server_error',
    text: 'Genspark answered with another model than the one asked for.',
  },
  pass_through_failed: {
    status: 502,
    type: 'server_error',
    text: 'The service that this request is passed on to did not answer it.',
  },
  overloaded: {
    status: 503,
    type: 'service_unavailable_error',
    text: 'This server has too many requests in memory. Send the request again in a moment.',
  },
  no_account_available: {
    status: 503,
    type: 'service_unavailable_error',
    text: 'No usable Genspark account. Set GS_COOKIE to the cookie of an account that is signed in.',
  },
  upstream_unavailable: {
    status: 503,
    type: 'service_unavailable_error',
    text: 'Genspark Service Unavailable',
  },
  token_unavailable: {
    status: 503,
    type: 'service_unavailable_error',
    text: 'No reCAPTCHA token could be made.',
  },
  queue_full: {
    status: 503,
    type: 'service_unavailable_error',
    text: 'Too many requests are waiting for a free account.',
  },
  queue_timeout: {
    status: 503,
    type: 'service_unavailable_error',
    text: 'No account became free in time.',
  },
  dependency_unavailable: {
    status: 503,
    type: 'service_unavailable_error',
    text: 'A service that this one depends on is away.',
  },
  shutting_down: {
    status: 503,
    type: 'service_unavailable_error',
    text: 'This server is shutting down. Send the request again.',
  },
  upstream_first_event_timeout: {
    status: 504,
    type: 'server_error',
    text: 'Genspark did not begin to answer in time.',
  },
  upstream_idle_timeout: {
    status: 504,
    type: 'server_error',
    text: 'Genspark timed out in the middle of an answer: it stopped sending.',
  },
  upstream_total_timeout: {
    status: 504,
    type: 'server_error',
    text: 'Genspark did not finish the answer in time.',
  },
  internal_error: {
    status: 500,
    type: 'internal_error',
    text: 'An error of this server. It has been logged under this request id.',
  },
} as const satisfies Record<string, { status: number; type: string; text: string }>

export type ErrorCode = keyof typeof errorTable

export interface ServiceErrorOptions {
  readonly message?: string
  readonly cause?: unknown
  /** When a new try can work. The header is capped at 60 s; beyond it the client is told not to retry. */
  readonly retryAfterMs?: number
  /** `false` tells SDKs that waiting will not help (`x-should-retry: false`). */
  readonly retryable?: boolean
}

/** Whatever a client may be told. Anything else that is thrown is a bug and shown as a plain 500. */
export class ServiceError extends Error {
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined
  readonly retryable: boolean | undefined

  constructor(code: ErrorCode, options: ServiceErrorOptions = {}) {
    super(options.message ?? errorTable[code].text, { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.retryAfterMs = options.retryAfterMs
    this.retryable = options.retryable
  }

  get status(): number {
    return errorTable[this.code].status
  }

  get type(): string {
    return errorTable[this.code].type
  }

  /** What a client is told to wait: whole seconds, from 1 to `maxRetryAfterSeconds`. */
  get retryAfterSeconds(): number | undefined {
    if (this.retryAfterMs === undefined) return undefined
    return Math.min(Math.max(Math.ceil(this.retryAfterMs / 1000), 1), maxRetryAfterSeconds)
  }
}

/** No client is told to wait for longer: the SDKs of OpenAI and Anthropic obey without a cap of their own. */
export const maxRetryAfterSeconds = 60

/** The caller's fault: nothing was asked upstream and nothing is lost. */
export class InvalidRequestError extends ServiceError {
  /** The offending field in the client's own notation, e.g. `messages[2].content`. */
  readonly param: string | undefined

  constructor(code: ErrorCode, options: ServiceErrorOptions & { readonly param?: string } = {}) {
    super(code, options)
    this.param = options.param
  }
}

/** Ours: nothing free to serve the request with. */
export class UnavailableError extends ServiceError {}

/** What a failed reply of the site is recognised as and the public code it ends in when no move is left. */
export const upstreamFailureCodes = {
  'rate-limited': 'all_accounts_cooling',
  'quota-spent': 'all_accounts_cooling',
  'signed-out': 'no_account_available',
  'plan-blocked': 'no_account_available',
  'token-refused': 'token_unavailable',
  'token-missing': 'token_unavailable',
  'binding-stale': 'upstream_bad_response',
  overloaded: 'upstream_unavailable',
  unavailable: 'upstream_unavailable',
  challenged: 'upstream_challenge',
  'bad-request': 'upstream_bad_response',
  empty: 'upstream_empty',
  malformed: 'upstream_bad_response',
  reset: 'upstream_reset',
  'route-gone': 'upstream_unavailable',
  'event-too-large': 'upstream_event_too_large',
  'first-event-timeout': 'upstream_first_event_timeout',
  'idle-timeout': 'upstream_idle_timeout',
  'total-timeout': 'upstream_total_timeout',
} as const satisfies Record<string, ErrorCode>

export type UpstreamFailureKind = keyof typeof upstreamFailureCodes

export interface UpstreamErrorOptions extends ServiceErrorOptions {
  /** The HTTP status, where the verdict was read from it and not from a page or an event. */
  readonly httpStatus?: number
  /** When a spent quota comes back, in ms since the epoch, where the site says so. */
  readonly resetAtMs?: number
  /** The site's own mark says that the credits of a key are spent: they come back with a top-up, whenever that is (WIRE 11). */
  readonly isCreditWall?: boolean
  /** The same ask, with a new token, may pass: it would go another way. */
  readonly askAgain?: boolean | undefined
  /** Read from a phrase that a person, a tool or a model may have written as well: no proof of anything about the account. */
  readonly isHearsay?: boolean
  /** The words that were taken for it, cut. For the record of the request, never for a client. */
  readonly said?: string
}

/** What stays as it is until the operator or the caller changes something: asking again only repeats it. */
const lastingFailures: ReadonlySet<UpstreamFailureKind> = new Set(['challenged', 'bad-request', 'route-gone'])

/** The site's failure, by kind. `retryAfterMs` is the site's own `Retry-After`. */
export class UpstreamError extends ServiceError {
  readonly kind: UpstreamFailureKind
  readonly httpStatus: number | undefined
  readonly resetAtMs: number | undefined
  readonly isCreditWall: boolean
  readonly askAgain: boolean
  readonly isHearsay: boolean
  readonly said: string | undefined

  constructor(kind: UpstreamFailureKind, options: UpstreamErrorOptions = {}) {
    super(upstreamFailureCodes[kind], { ...(lastingFailures.has(kind) && { retryable: false }), ...options })
    this.kind = kind
    this.httpStatus = options.httpStatus
    this.resetAtMs = options.resetAtMs
    this.isCreditWall = options.isCreditWall ?? false
    this.askAgain = options.askAgain ?? false
    this.isHearsay = options.isHearsay ?? false
    this.said = options.said
  }
}

/** The client left or the service ends: neither a failure nor a reason to try again. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  return (
    signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'))
  )
}
