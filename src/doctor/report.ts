import { get } from 'node:http'
import { hostname, release, userInfo } from 'node:os'
import { accountsOfSettings } from '../accounts/import-accounts.ts'
import { settings } from '../config/settings.ts'
import type { Config } from '../config.ts'
import type { Finding } from './checks.ts'

/** All that the doctor found, with versions and what a running service has counted, to be pasted into a public bug report: nothing
 *  that signs in, names somebody or tells where anything stands. Ends with a line break.
 *  @param version  of this service */
export async function writeReport(
  config: Config,
  found: readonly Finding[],
  version: string,
): Promise<string> {
  const scrub = createScrubber(config)
  const unknownEvents = await readUnknownEvents(config)
  const browser = found.find(({ part }) => part === 'Chromium')?.text ?? 'none is used'
  const facts = [
    ['genspark2api', version],
    ['Node', process.version],
    ['System', `${process.platform} ${process.arch}, kernel ${/^[\d.]+/.exec(release())?.[0] ?? 'unknown'}`],
    ['Browser', browser],
    ['Settings', describeMode(config)],
    ['Unknown upstream events', unknownEvents],
  ] as const
  return [
    '# genspark2api doctor',
    '',
    ...facts.map(([name, value]) => `- ${name}: ${scrub(value)}`),
    '',
    '| | part | found |',
    '|---|---|---|',
    ...found.map(({ state, part, text, remedy }) => {
      const cells = [state, part, remedy ? `${text} -> ${remedy}` : text]
      return `| ${cells.map((cell) => scrub(cell).replaceAll('|', '/').replaceAll(/\s+/g, ' ')).join(' | ')} |`
    }),
    '',
  ].join('\n')
}

/** Of settings only those whose values are words of our own; of the others, whether they are set. */
function describeMode(config: Config): string {
  const { transport, protocol, recaptchaMode, browserHeaded, tokenRequired } = config
  const words = [
    `GENSPARK_TRANSPORT=${transport}`,
    `GENSPARK_PROTOCOL=${protocol}`,
    `RECAPTCHA_MODE=${recaptchaMode}`,
    `BROWSER_HEADED=${Number(browserHeaded)}`,
    `TOKEN_REQUIRED=${tokenRequired}`,
  ]
  const kinds = [config.proxyUrl, ...accountsOfSettings(config).accounts.map(({ proxyUrl }) => proxyUrl)]
    .filter((url) => url !== undefined)
    .map((url) => new URL(url).protocol.slice(0, -1))
  const isSet = (key: keyof typeof settings, value: unknown) =>
    value ? [`${settings[key].name} is set`] : []
  return [
    ...words,
    ...isSet('browserEndpoint', config.browserEndpoint),
    ...isSet('browserExecutable', config.browserExecutable),
    ...isSet('redisUrl', config.redisUrl),
    ...(config.baseUrl === settings.baseUrl.default ? [] : ['GENSPARK_BASE_URL is another one']),
    `proxies: ${kinds.length > 0 ? [...new Set(kinds)].join(', ') : 'none'}`,
  ].join(', ')
}

const metricsMs = 4_000
const maxMetricsLength = 4 * 1024 * 1024

/** Of the service that runs here with these settings. */
async function readUnknownEvents(config: Config): Promise<string> {
  const { host, port, routePrefix, adminSecrets, apiSecrets } = config
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const key = adminSecrets[0] ?? apiSecrets[0]
  const { promise, resolve } = Promise.withResolvers<string | number>()
  const request = get(
    {
      host: address,
      port,
      path: `${routePrefix}/metrics`,
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(metricsMs),
      agent: false,
    },
    (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        if (text.length < maxMetricsLength) text += chunk
      })
      response.on('error', () => resolve(0))
      response.on('end', () => resolve(response.statusCode === 200 ? text : (response.statusCode ?? 0)))
    },
  )
  request.on('error', () => resolve(0))
  const told = await promise
  if (told === 0) return 'no service runs here with these settings'
  if (typeof told === 'number') return `/metrics answers HTTP ${told}`
  const counts = Array.from(
    told.matchAll(/^genspark2api_unknown_upstream_events_total\{generation="(\w+)"\} (\d+)/gm),
    ([, generation, count]) => `${generation} ${count}`,
  )
  return counts.length > 0 ? counts.join(', ') : '0'
}

/** Takes out what the settings hold, and whatever looks like an address, a path or a person. */
function createScrubber(config: Config): (text: string) => string {
  const { accounts } = accountsOfSettings(config)
  const urls = [
    ...[config.proxyUrl, config.recaptchaProxyUrl, config.recaptchaScriptUrl, config.redisUrl],
    ...[config.browserEndpoint, config.baseUrl, ...accounts.map(({ proxyUrl }) => proxyUrl)],
  ].filter((url) => url !== undefined)
  const hidden = [
    ...(config.cookieText ?? '').split(/[;,=@\s]+/),
    ...[...config.vendorApiKeys, ...config.gskApiKeys, ...config.apiSecrets, ...config.adminSecrets],
    ...urls.flatMap(partsOf),
    ...[config.dataDir, config.modelsFile, config.browserExecutable, config.host],
    ...[hostname(), userInfo().username],
  ].filter((value) => value !== undefined && value.length >= 4 && !ourWords.has(value.toLowerCase()))
  // The longest first: one may hold another.
  const words = [...new Set(hidden as string[])].sort((one, other) => other.length - one.length)
  return (text) => {
    let scrubbed = text
    for (const [index, { label }] of accounts.entries())
      scrubbed = scrubbed.replaceAll(label, `account-${index + 1}`)
    // One that was added while the service ran.
    scrubbed = scrubbed.replaceAll(/acc_[\da-f]{8,16}/g, 'an added account')
    for (const word of words) scrubbed = scrubbed.replaceAll(word, '<hidden>')
    for (const [pattern, replacement] of looks) scrubbed = scrubbed.replaceAll(pattern, replacement)
    return scrubbed
  }
}

/** What stands in our own texts and in settings alike, and tells nothing. */
const ourWords = new Set([
  'session_id',
  '__secure-next-auth.session-token',
  'root',
  'node',
  'site',
  'redis',
  'localhost',
  'www.genspark.ai',
  'chromium',
  'default',
  'data',
  './data',
  'http',
  'https',
  'socks5',
  'true',
  'false',
])

const looks: readonly (readonly [RegExp, string])[] = [
  [/\b[a-z][a-z\d+.-]*:\/\/(?!www\.genspark\.ai\b)[^\s)'"|]+/gi, '<url>'],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '<name>'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?/g, '<address>'],
  [/\[?(?:[\da-f]{1,4}:){2,}[\da-f:]*\]?(?::\d+)?/gi, '<address>'],
  [/(?<![\w.:/<])\/(?!metrics\b)[^\s)'",;|]+/g, '<path>'],
  [/\b[a-z]:\\[^\s)'",;|]+/gi, '<path>'],
]

function partsOf(address: string): string[] {
  const url = URL.parse(address)
  if (!url) return [address]
  const credentials = [url.username, url.password]
  return [
    address,
    url.host,
    url.hostname,
    ...credentials,
    ...credentials.map(decodeURIComponent),
    url.search.slice(1),
  ]
}
