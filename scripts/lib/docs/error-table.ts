import { type ErrorCode, errorTable } from '../../../src/core/errors.ts'
import { errorsInChinese } from './error-remedies-zh-cn.ts'
import type { Language } from './markdown-table.ts'
import { code, markdownTable } from './markdown-table.ts'

const heads = {
  en: ['status', 'code', 'type', 'message', 'what to do'],
  'zh-CN': ['状态', 'code', 'type', '消息', '怎么办'],
} as const satisfies Record<Language, readonly string[]>

/** Every error by status. The message is the one that stands there unless more is known. */
export function errorsTable(language: Language): string {
  const codes = (Object.keys(errorTable) as ErrorCode[]).sort(
    (one, other) => errorTable[one].status - errorTable[other].status,
  )
  const rows = codes.map((name) => {
    const { status, type, text } = errorTable[name]
    const { meaning, remedy } = errorsInChinese[name]
    const told = language === 'en' ? [text, errorRemedies[name]] : [`${text} ${meaning}`, remedy]
    return [String(status), code(name), code(type), ...told]
  })
  return markdownTable(heads[language], rows)
}

/** What to do about each error. */
const errorRemedies: Readonly<Record<ErrorCode, string>> = {
  invalid_json: 'Send valid JSON; the message says what is wrong with it.',
  json_too_deep: 'Send JSON that is nested less deeply.',
  invalid_value: '`param` names the field, the message says what is expected.',
  previous_response_not_found:
    'Send the whole conversation again. Only responses made with `store` and with the same key can be continued.',
  image_url_not_allowed:
    'Use a public http(s) address or a data URL. For an intranet: `IMAGE_URL_ALLOW_PRIVATE=1`.',
  image_fetch_failed: 'Look whether the address answers without a login, or send the picture as a data URL.',
  invalid_api_key:
    'Send one of the keys of `API_SECRET`. It never means that a Genspark account is at fault.',
  ip_blocked: 'Your address is in `IP_BLACK_LIST`. Behind a proxy set `TRUSTED_PROXY_HOPS`.',
  origin_not_allowed:
    'Add the origin of the web page to `CORS_ORIGINS`, or set `API_SECRET`: without it only the pages named there are answered.',
  model_not_allowed:
    'Take another model or another key; the operator lists the models of a key at `/admin/keys`.',
  not_found: 'Look at the path, and at `ROUTE_PREFIX`.',
  model_not_found: 'Take a name from `GET /v1/models`.',
  method_not_allowed: 'Most routes want POST.',
  upgrade_not_supported: 'Nothing: clients continue over HTTP.',
  request_too_large: 'Send less, or raise `MAX_BODY_MB`.',
  unsupported_media_type: 'Send `Content-Type: application/json` (forms only for pictures and videos).',
  rate_limit_exceeded:
    'Wait as `Retry-After` says, or raise `REQUEST_RATE_LIMIT`. Behind a proxy set `TRUSTED_PROXY_HOPS`, else all clients count as one.',
  all_accounts_cooling:
    'Every account is rate limited or has spent its quota. Wait as `Retry-After` or the message says; add accounts to have more.',
  upstream_challenge:
    'Cloudflare does not take what asked for a browser. The message says what was tried: leave `GENSPARK_TRANSPORT` at `auto`, so that a page in Chromium asks (with `RECAPTCHA_MODE` `remote` or `off`: `browser`). Where the page is refused too, another address (`PROXY_URL`) may pass.',
  upstream_reset: 'Ask again. If it happens often, look at the network or `PROXY_URL`.',
  upstream_bad_response:
    'The site refused the request or answered in a new way; the message says which. Try another model, update this service.',
  upstream_empty: 'Ask again, or in other words: the site sometimes declines in this way.',
  upstream_event_too_large: 'Ask for less at once.',
  pass_through_failed:
    'The message says why: look at `EMBEDDINGS_BASE_URL` and `EMBEDDINGS_API_KEY`, and whether that service runs.',
  model_mismatch:
    'With `SERVED_MODEL_MISMATCH=fail`: the site used another model. Ask again, or check that tokens are good (`npm run doctor`).',
  overloaded:
    'Wait as `Retry-After` says. If it happens often: give the process more memory (`--max-old-space-size`) or raise `BODY_BUDGET_MB`.',
  no_account_available:
    'Set `GS_COOKIE` (see "First account"). If it is set: the account was signed out, copy the cookie again. `npm run doctor` tells which.',
  upstream_unavailable:
    'Genspark itself is down or overloaded. Try later; `npm run doctor` shows whether it answers.',
  token_unavailable:
    'The message says why. `npm run doctor` tries it; look at `BROWSER_EXECUTABLE` and `PROXY_URL`.',
  queue_full: 'Send fewer requests at once, add accounts or raise `QUEUE_MAX`.',
  queue_timeout: 'Add accounts, or raise `ACCOUNT_MAX_CONCURRENCY` or `QUEUE_WAIT_S`.',
  dependency_unavailable:
    'Redis is unreachable: start it, or set `REDIS_DOWN_MODE=local` to continue without it.',
  shutting_down: 'Ask again: the service restarts.',
  upstream_first_event_timeout: 'Ask again, or raise `FIRST_EVENT_TIMEOUT_S` for models that think long.',
  upstream_idle_timeout: 'Ask again, or raise `IDLE_TIMEOUT_S`.',
  upstream_total_timeout:
    'Ask for less, or raise `TOTAL_TIMEOUT_S` (pictures and videos: `MEDIA_TIMEOUT_S`).',
  internal_error: 'A bug. Look for the `x-request-id` of the answer in the log and report it.',
}
