// Settings: turns the environment into one frozen `Config`, or into one list of everything that is wrong with it.
// Touches the vocabulary of `core` and `store`; it never reads `process.env`, a file or the network.

import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { browserKind, type Memory, type MemoryPlan, planMemory } from './config/memory-plan.ts'
import { SettingFault, unquoted } from './config/parsers.ts'
import { type Setting, settings } from './config/settings.ts'

type SettingKey = keyof typeof settings
type SettingValues = {
  readonly [Key in SettingKey]: (typeof settings)[Key] extends Setting<infer Value> ? Value : never
}
/** Read, but not handed on as they are: `debug` becomes a `logLevel`, `parseConfig` settles the others. */
type Settled =
  | 'bodyBudgetBytes'
  | 'browserMaxPages'
  | 'debug'
  | 'yesCaptchaClientKey'
  | 'recaptchaMode'
  | 'logFormat'

/** Every value in force, defaults included; times in ms, sizes in bytes. */
export interface Config extends Omit<SettingValues, Settled> {
  readonly bodyBudgetBytes: number
  readonly browserMaxPages: number
  readonly recaptchaMode: NonNullable<SettingValues['recaptchaMode']>
  readonly logFormat: NonNullable<SettingValues['logFormat']>
  /** Of all processes of the service together, and what Chromium needs of it. */
  readonly memoryPlan: Pick<MemoryPlan, 'bytes' | 'pages' | 'neededBytes'>
  /** What the operator should know although nothing is wrong: settings without effect, likely slips. */
  readonly notices: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

export class ConfigError extends Error {
  /** One line a fault; none holds the value of a setting. */
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`wrong settings: ${faults.join('; ')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** An empty variable counts as unset.
 *  @throws {ConfigError} with all faults at once */
export function parseConfig(
  env: Environment,
  {
    isTerminal = false,
    heapBytes = getHeapStatistics().heap_size_limit,
    memory = { limitBytes: totalmem(), isLimited: false } as Memory,
  } = {},
): Config {
  const { values, given, faults } = readSettings(env)
  faults.push(...contradictions(values, given), ...tooMuchMemory(values, heapBytes))
  if (faults.length > 0) throw new ConfigError(faults)

  const { debug, yesCaptchaClientKey: _unused, ...rest } = values
  const plan = planOf(values, memory)
  const platform = given.has('trustedProxyHops') ? undefined : platformOf(env)
  return deepFreeze({
    ...rest,
    trustedProxyHops: platform?.proxyHops ?? values.trustedProxyHops,
    bodyBudgetBytes: bodyBudget(values, Math.min(heapBytes, plan.ownBytes)),
    browserMaxPages: values.browserMaxPages === 'auto' ? Math.max(plan.pages, 1) : values.browserMaxPages,
    recaptchaMode: recaptchaModeOf(values),
    memoryPlan: { bytes: plan.bytes, pages: plan.pages, neededBytes: plan.neededBytes },
    logLevel: debug ? 'debug' : values.logLevel,
    logFormat: values.logFormat ?? (isTerminal ? 'pretty' : 'json'),
    notices: [...hopsOf(platform), ...withoutEffect(values), ...placeholders(env), ...likelySlips(env)],
  })
}

interface Platform {
  readonly name: string
  /** A variable that the platform sets in every container. */
  readonly knownBy: RegExp
  /** Proxies of its own that add to `X-Forwarded-For`. */
  readonly proxyHops: number
}

/** Where nobody can put a proxy of his own between the platform's and the service. Render: Cloudflare, then its load balancer
 *  (https://render.com/docs/environment-variables, https://docs.zeabur.com, https://huggingface.co/docs/hub/spaces-overview). */
const platforms: readonly Platform[] = [
  { name: 'Render', knownBy: /^RENDER$/, proxyHops: 2 },
  { name: 'Zeabur', knownBy: /^ZEABUR_/, proxyHops: 1 },
  { name: 'Hugging Face', knownBy: /^SPACE_ID$/, proxyHops: 1 },
]

function platformOf(env: Environment): Platform | undefined {
  const names = Object.keys(env).filter((name) => env[name])
  return platforms.find(({ knownBy }) => names.some((name) => knownBy.test(name)))
}

function hopsOf(platform: Platform | undefined): string[] {
  if (!platform) return []
  return [
    `this is ${platform.name}: TRUSTED_PROXY_HOPS is taken to be ${platform.proxyHops}; set it where that is wrong`,
  ]
}

/** Every setting with its default, for `--help`; ends with a line break. */
export function describeSettings(): string {
  return Object.values(settings)
    .map(({ name, default: unset, about }) => {
      const without = unset ? ` [${unset}]` : ''
      return `  ${name.padEnd(32)}${about}${without}\n`
    })
    .join('')
}

interface Reading {
  readonly values: SettingValues
  /** Settings that were set, and rightly. */
  readonly given: ReadonlySet<SettingKey>
  readonly faults: string[]
}

function readSettings(env: Environment): Reading {
  const values: Partial<Record<SettingKey, unknown>> = {}
  const given = new Set<SettingKey>()
  const faults: string[] = []
  for (const [key, setting] of Object.entries(settings) as [SettingKey, Setting<unknown>][]) {
    values[key] = setting.default === undefined ? undefined : setting.parse(setting.default)
    const text = textOf(env, setting)
    if (text === '') continue
    try {
      values[key] = setting.parse(text)
      given.add(key)
    } catch (error) {
      if (!(error instanceof SettingFault)) throw error
      faults.push(`${setting.name} ${error.message}`)
    }
  }
  return { values: values as SettingValues, given, faults }
}

const textOf = (env: Environment, { name }: Setting<unknown>): string => unquoted(env[name]?.trim() ?? '')

/** Settings that are right alone and wrong together. A default is never blamed. */
function* contradictions(values: SettingValues, given: ReadonlySet<SettingKey>): Iterable<string> {
  if (values.recaptchaMode === 'remote' && !values.recaptchaProxyUrl)
    yield 'RECAPTCHA_MODE is remote: RECAPTCHA_PROXY_URL must say which service to ask'
  if (values.adminSecrets.some((secret) => values.apiSecrets.includes(secret)))
    yield 'ADMIN_SECRET must not hold a key of API_SECRET: clients would be operators'
  for (const part of ['firstEventTimeoutMs', 'idleTimeoutMs'] as const) {
    if (given.has(part) && values[part] > values.totalTimeoutMs)
      yield `${settings[part].name} must not be above TOTAL_TIMEOUT_S`
  }
}

/** An eighth: what parsing makes of a body, and the text that is sent to the site, are several times its size. */
function bodyBudget({ bodyBudgetBytes, maxBodyBytes }: SettingValues, memoryBytes: number): number {
  return bodyBudgetBytes === 'auto' ? Math.max(Math.floor(memoryBytes / 8), maxBodyBytes) : bodyBudgetBytes
}

/** The memory shared out for the accounts of the settings. */
function planOf(values: SettingValues, memory: Memory): MemoryPlan {
  const { browserEndpoint, browserExecutable, transport, browserMaxPages, cookieText = '' } = values
  const launches =
    browserEndpoint === undefined && (recaptchaModeOf(values) === 'embedded' || transport === 'browser')
  return planMemory(memory, {
    browser: launches ? browserKind(browserExecutable) : undefined,
    pages: browserMaxPages === 'auto' ? cookieText.split(',').length : browserMaxPages,
  })
}

const recaptchaModeOf = ({ recaptchaMode, recaptchaProxyUrl }: SettingValues): Config['recaptchaMode'] =>
  recaptchaMode ?? (recaptchaProxyUrl ? 'remote' : 'embedded')

/** Found by trial: a body of text takes up to four times its size of the heap, beside 40 MB that the service takes itself. */
const heapPerBodyByte = 4
const ownHeapBytes = 40 * 1024 * 1024

/** One body that is allowed must not end the process. */
function* tooMuchMemory({ maxBodyBytes }: SettingValues, heapBytes: number): Iterable<string> {
  if (maxBodyBytes * heapPerBodyByte + ownHeapBytes <= heapBytes) return
  const heapMb = Math.floor(heapBytes / 1024 / 1024)
  const bodyMb = Math.floor((heapBytes - ownHeapBytes) / heapPerBodyByte / 1024 / 1024)
  yield `MAX_BODY_MB is ${maxBodyBytes / 1024 / 1024}, more than this process can hold: its heap has ${heapMb} MB, enough for ${Math.max(bodyMb, 1)}. Lower it, or raise --max-old-space-size (in NODE_OPTIONS)`
}

function* withoutEffect(values: SettingValues): Iterable<string> {
  if (values.yesCaptchaClientKey)
    yield 'YES_CAPTCHA_CLIENT_KEY is not used: the service makes its own reCAPTCHA tokens'
  const { browserEndpoint, browserHeaded, proxyUrl = '' } = values
  if (browserEndpoint && /^socks.*@/i.test(proxyUrl))
    yield 'PROXY_URL has a password and is a SOCKS proxy: the browser of BROWSER_ENDPOINT cannot sign in to one, so it makes no tokens'
  if (browserEndpoint && browserHeaded)
    yield 'BROWSER_HEADED is not used with BROWSER_ENDPOINT: whoever starts that browser decides'
}

/** What documents, templates and `.env.example` have where a value of the operator's own belongs: here and in the predecessor's. A whole
 *  word, in capitals or with the marks of a gap, so that no true cookie or key is taken for one. */
const placeholder =
  /(?:^|[^A-Za-z0-9])(?:PASTE_IT_HERE|(?:THE|YOUR|ANOTHER)[_-][A-Z_-]+|[Yy]our[_-](?:[a-z]+[_-])*(?:key|cookie|session|token|secret)|(?:sk-)?(?:[Cc]hoose|[Cc]hange|CHOOSE|CHANGE)[_-](?:a|me|ME|this|THIS)(?:[_-](?:key|KEY))?|x{6,}|X{6,})(?![A-Za-z0-9])|\u2026|\.\.\.$|^<.*>$|你的|粘贴|\*{4}/

function* placeholders(env: Environment): Iterable<string> {
  for (const setting of Object.values(settings)) {
    const stands = setting.secret ? placeholder.exec(textOf(env, setting))?.[0] : undefined
    if (stands === undefined) continue
    const remedy =
      setting === settings.apiSecrets || setting === settings.adminSecrets
        ? 'everybody knows it: choose one of your own, e.g. the output of `openssl rand -hex 24`'
        : 'put your own value there'
    yield `${setting.name} still holds a placeholder of an example: ${remedy}`
  }
}

function* likelySlips(env: Environment): Iterable<string> {
  const known = Object.values(settings).map((setting) => setting.name)
  for (const name of Object.keys(env)) {
    const nearest = known.includes(name) ? undefined : nearestName(name, known)
    if (nearest && !env[nearest]) yield `${name} is not a setting: did you mean ${nearest}?`
  }
}

/** The name that `name` is most likely a slip of: other case, or one edit in five to seven letters, two in more.
 *  Short names are left alone, since the environment is full of them (`HOME` is not `HOST`). */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const upper = name.toUpperCase()
  if (known.includes(upper)) return upper
  const allowed = upper.length < 5 ? 0 : upper.length < 8 ? 1 : 2
  return known
    .map((candidate) => ({ candidate, edits: editDistance(upper, candidate) }))
    .filter(({ edits }) => edits <= allowed)
    .sort((one, other) => one.edits - other.edits)[0]?.candidate
}

/** Insertions, deletions and changes that lead from one word to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1]
    for (const [column, other] of [...to].entries()) {
      const change = (row[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(change, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}

/** Plain objects and arrays, all the way down. */
function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (Array.isArray(part) || part?.constructor === Object) deepFreeze(part)
  }
  return Object.freeze(value)
}
