import { accountSelections } from '../store/store.ts'
import {
  addressOrNetwork,
  autoOr,
  days,
  encryptionKey,
  headerKey,
  list,
  listenAddress,
  matching,
  megabytes,
  messagesJson,
  oneOf,
  type Parse,
  pairs,
  pathPrefix,
  redisUrl,
  seconds,
  sessionPairs,
  siteUrl,
  text,
  timeZone,
  url,
  webOrigin,
  wholeNumber,
  yesOrNo,
} from './parsers.ts'

export interface Setting<T> {
  /** Of the environment variable; it names the unit where there is one. */
  readonly name: string
  readonly parse: Parse<T>
  /** The text that stands for it when it is not set; undefined: it then has no value. */
  readonly default: string | undefined
  /** One line for the operator. */
  readonly about: string
  /** Must never be shown. */
  readonly secret: boolean
}

/** Every setting, by its name in `Config`: all that the service knows, checks and tells about them. */
// biome-ignore format: a table, read by its rows
export const settings = {
  // Listening
  port: setting('PORT', wholeNumber(0, 65535), '7044',
    'Port to listen on; 0 takes a free one.'),
  host: setting('HOST', listenAddress, '0.0.0.0',
    'Address to listen on.'),
  routePrefix: setting('ROUTE_PREFIX', pathPrefix, '',
    'Path in front of every route, e.g. /api.'),
  trustedProxyHops: setting('TRUSTED_PROXY_HOPS', wholeNumber(0, 32), '0',
    'Reverse proxies in front whose X-Forwarded-For is believed; found by itself on Render, Zeabur and Hugging Face.'),
  publicUrl: setting('PUBLIC_URL', siteUrl, undefined,
    'Address under which clients reach the service, without ROUTE_PREFIX; for links.'),
  maxBodyBytes: setting('MAX_BODY_MB', megabytes(1, 512), '20',
    'Largest request body, after decompression.'),
  bodyBudgetBytes: setting('BODY_BUDGET_MB', autoOr(megabytes(1, 65_536)), 'auto',
    'All request bodies in flight together, after decompression; auto is an eighth of the heap.'),
  shutdownGraceMs: setting('SHUTDOWN_GRACE_S', seconds(0, 3600), '30',
    'Time that streams get to end after SIGTERM.'),

  // Clients
  apiSecrets: secret('API_SECRET', list(headerKey), '',
    'Keys that clients must send; comma list. None: open to all.'),
  adminSecrets: secret('ADMIN_SECRET', list(headerKey), '',
    'Keys of the operator, for /admin; unset: one is made and written to standard error once.'),
  requestRateLimit: setting('REQUEST_RATE_LIMIT', wholeNumber(0, 1_000_000), '60',
    'Requests per client address and minute; 0 is no limit.'),
  ipBlockList: setting('IP_BLACK_LIST', list(addressOrNetwork), '',
    'Addresses and networks that are refused; comma list.'),
  corsOrigins: setting('CORS_ORIGINS', list(webOrigin), '*',
    'Web origins that may call; comma list. Without API_SECRET only those named here.'),

  // Accounts
  cookieText: secret('GS_COOKIE', text, undefined,
    'Cookies of your Genspark accounts, also as COOKIE@proxy-url; comma list.'),
  vendorApiKeys: secret('GENSPARK_API_KEY', list(headerKey), '',
    'Vendor API keys: accounts without cookie; comma list.'),
  gskApiKeys: secret('GSK_API_KEY', list(headerKey), '',
    'The same by the name that the own tools of the vendor read; both lists count.'),
  accountMaxConcurrency: setting('ACCOUNT_MAX_CONCURRENCY', wholeNumber(0, 10_000), '0',
    'Requests in flight per account over all replicas; 0 is no cap.'),
  accountSelection: setting('ACCOUNT_SELECTION', oneOf(...accountSelections), 'least-busy',
    'least-busy (random among equals), random or round-robin.'),
  maxAttempts: setting('MAX_ATTEMPTS', wholeNumber(1, 100), '3',
    'Accounts tried for one request.'),
  rateLimitCoolDownMs: setting('RATE_LIMIT_COOKIE_LOCK_DURATION', seconds(1, 604_800), '600',
    'Longest cooldown of a rate-limited account, in seconds.'),
  queueWaitMs: setting('QUEUE_WAIT_S', seconds(0, 3600), '15',
    'Longest wait for a free account.'),
  queueMax: setting('QUEUE_MAX', wholeNumber(0, 100_000), '100',
    'Requests that may wait for a free account.'),

  // The site
  baseUrl: setting('GENSPARK_BASE_URL', siteUrl, 'https://www.genspark.ai',
    'The site: pages and API.'),
  protocol: setting('GENSPARK_PROTOCOL', oneOf('copilot', 'agent', 'auto'), 'auto',
    'copilot, agent, or auto: agent while its route is there, else copilot.'),
  transport: setting('GENSPARK_TRANSPORT', oneOf('auto', 'direct', 'browser'), 'auto',
    'Who sends requests of a cookie: direct, browser (the page in Chromium), or auto: direct until challenged, then the page.'),
  proxyUrl: secret('PROXY_URL', url('http', 'https', 'socks5', 'socks5h'), undefined,
    'Proxy to the site for API and browser, and to pictures that clients name by URL.'),
  firstEventTimeoutMs: setting('FIRST_EVENT_TIMEOUT_S', seconds(1, 86_400), '120',
    'Longest wait for the first event of an answer.'),
  idleTimeoutMs: setting('IDLE_TIMEOUT_S', seconds(1, 86_400), '120',
    'Longest silence within an answer.'),
  totalTimeoutMs: setting('TOTAL_TIMEOUT_S', seconds(1, 86_400), '3600',
    'Longest whole answer.'),
  mediaTimeoutMs: setting('MEDIA_TIMEOUT_S', seconds(1, 86_400), '600',
    'Longest wait for an image or video.'),

  // reCAPTCHA tokens
  recaptchaMode: setting('RECAPTCHA_MODE', oneOf('embedded', 'remote', 'off'), undefined,
    'embedded (own Chromium), remote (RECAPTCHA_PROXY_URL; the default when that is set) or off.'),
  recaptchaProxyUrl: secret('RECAPTCHA_PROXY_URL', url('http', 'https'), undefined,
    'Token service to ask instead of the own browser.'),
  recaptchaSiteKey: setting('RECAPTCHA_SITE_KEY', matching(/^[\w-]+$/, 'letters, digits, _ and -'), undefined,
    'Site key to use instead of the one found on the page.'),
  recaptchaAction: setting('RECAPTCHA_ACTION', matching(/^[\w/]+$/, 'letters, digits, _ and /'), undefined,
    'Action to use instead of the known one.'),
  recaptchaScriptUrl: setting('RECAPTCHA_SCRIPT_URL', url('http', 'https'), undefined,
    'reCAPTCHA script to use instead of the one found on the page.'),
  tokenRequired: setting('TOKEN_REQUIRED', yesOrNo, 'true',
    'false: ask without a token when none can be had.'),
  tokenPrefetch: setting('TOKEN_PREFETCH', autoOr(wholeNumber(0, 100)), 'auto',
    'Spare tokens per account in recent use; auto follows the demand.'),
  tokenMaxAgeMs: setting('TOKEN_MAX_AGE_S', seconds(1, 120), '90',
    'Age at which a spare token is thrown away.'),
  browserMaxPages: setting('BROWSER_MAX_PAGES', autoOr(wholeNumber(1, 100)), 'auto',
    'Browser pages open at once, one per account; auto: what the memory holds (the limit of its container, where it has one), 1 to 20.'),
  browserExecutable: setting('BROWSER_EXECUTABLE', text, undefined,
    'Chromium to launch; unset: found by itself.'),
  browserHeaded: setting('BROWSER_HEADED', yesOrNo, '0',
    '1 runs Chromium with a window: on DISPLAY, else under Xvfb.'),
  display: setting('DISPLAY', text, undefined,
    'X display for BROWSER_HEADED.'),
  xAuthority: setting('XAUTHORITY', text, undefined,
    'File that opens the X display; unset: .Xauthority of the home.'),
  browserEndpoint: secret('BROWSER_ENDPOINT', url('http', 'https', 'ws', 'wss'), undefined,
    'DevTools address of a browser of your own to use instead of a launch.'),
  verifierEndpoint: setting('VERIFIER_ENDPOINT', yesOrNo, '0',
    '1 gives tokens at GET /genspark to whoever can reach it: private networks only.'),

  // Chats and answers
  autoBindChats: setting('AUTO_MODEL_CHAT_MAP_TYPE', yesOrNo, '1',
    '1 keeps one chat per account and model.'),
  modelChatMap: setting('MODEL_CHAT_MAP', pairs, '',
    'Fixed chats: model=chatId,… (they win over automatic ones).'),
  sessionImageChatMap: secret('SESSION_IMAGE_CHAT_MAP', sessionPairs, '',
    'Fixed chats for images: session=chatId,…'),
  autoDeleteChats: setting('AUTO_DEL_CHAT', yesOrNo, '0',
    '1 deletes a chat after its answer.'),
  preMessages: setting('PRE_MESSAGES_JSON', messagesJson, '[]',
    'Messages in front of every chat: [{"role","content"},…].'),
  reasoningHidden: setting('REASONING_HIDE', yesOrNo, '0',
    '1 leaves out what a model thinks.'),
  reasoningFormat: setting('REASONING_FORMAT', oneOf('reasoning-content', 'think-tags'), 'reasoning-content',
    'reasoning-content (a field of its own) or think-tags (<think> in the text).'),
  headerHoldMs: setting('HEADER_HOLD_S', seconds(0, 55), '10',
    'How long a stream may wait to send its status.'),
  streamPingMs: setting('STREAM_PING_S', seconds(0.1, 300), '15',
    'Silence after which a stream sends a comment.'),
  servedModelMismatch: setting('SERVED_MODEL_MISMATCH', oneOf('tell', 'fail'), 'tell',
    'When another model answered: tell it (log, metric, header), or fail.'),
  debugHeaders: setting('DEBUG_HEADERS', yesOrNo, '0',
    '1 sends x-genspark-* headers: account label, attempts, served model.'),
  streamErrorText: setting('STREAM_ERROR_TEXT', yesOrNo, '1',
    '1 also writes a failure within a stream as text.'),
  fileLinkMs: setting('FILE_LINK_DAYS', days(1, 3650), '30',
    'Life of links to made pictures and videos.'),
  imageUrlAllowPrivate: setting('IMAGE_URL_ALLOW_PRIVATE', yesOrNo, '0',
    '1 lets image_url reach private addresses.'),
  responsesStored: setting('RESPONSES_STORE', yesOrNo, '1',
    '0 keeps answers of /v1/responses only where the request says "store": true.'),
  responsesKeepMs: setting('RESPONSES_KEEP_DAYS', days(1, 365), '30',
    'How long such answers and their prompts are kept, sealed with STATE_KEY.'),
  embeddingsBaseUrl: setting('EMBEDDINGS_BASE_URL', siteUrl, undefined,
    'Where /v1/embeddings and /v1/moderations are passed on to, e.g. https://api.openai.com/v1.'),
  embeddingsApiKey: secret('EMBEDDINGS_API_KEY', headerKey, undefined,
    'Key for EMBEDDINGS_BASE_URL.'),
  modelsFile: setting('MODELS_FILE', text, undefined,
    'JSON file that changes the model catalogue.'),

  // State
  dataDir: setting('DATA_DIR', text, './data',
    'Where state is kept across restarts.'),
  redisUrl: secret('REDIS_URL', redisUrl, undefined,
    'Redis that the replicas share; also rediss://, redis+sentinel:// and redis+cluster://.'),
  redisDownMode: setting('REDIS_DOWN_MODE', oneOf('local', 'fail'), 'local',
    'While Redis is unreachable: local continues, fail answers 503.'),
  redisPrefix: setting('REDIS_PREFIX', matching(/^[\x21-\x7e]+$/, 'visible ASCII'), 'genspark2api:',
    'Prefix of every Redis key.'),
  stateKeys: secret('STATE_KEY', list(encryptionKey), '',
    'Keys that seal what is stored: 32 bytes in hex or base64; comma list. Without Redis one is made by itself.'),

  // Log
  logLevel: setting('LOG_LEVEL', oneOf('debug', 'info', 'warn', 'error', 'silent'), 'info',
    'debug, info, warn, error or silent.'),
  logFormat: setting('LOG_FORMAT', oneOf('json', 'pretty'), undefined,
    'json or pretty; by itself pretty on a terminal.'),
  debug: setting('DEBUG', yesOrNo, 'false',
    'true is LOG_LEVEL=debug.'),
  timeZone: setting('TZ', timeZone, undefined,
    'Time zone, e.g. Asia/Shanghai.'),

  // Of the predecessor
  yesCaptchaClientKey: secret('YES_CAPTCHA_CLIENT_KEY', text, undefined,
    'Not used; read only to say so.'),
}

function setting<T>(name: string, parse: Parse<T>, unset: string, about: string): Setting<T>
function setting<T>(name: string, parse: Parse<T>, unset: undefined, about: string): Setting<T | undefined>
function setting<T>(
  name: string,
  parse: Parse<T>,
  unset: string | undefined,
  about: string,
): Setting<T | undefined> {
  return { name, parse, default: unset, about, secret: false }
}

function secret<T>(name: string, parse: Parse<T>, unset: string, about: string): Setting<T>
function secret<T>(name: string, parse: Parse<T>, unset: undefined, about: string): Setting<T | undefined>
function secret<T>(
  name: string,
  parse: Parse<T>,
  unset: string | undefined,
  about: string,
): Setting<T | undefined> {
  return { name, parse, default: unset, about, secret: true }
}
