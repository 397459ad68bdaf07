import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { settings } from '../src/config/settings.ts'
import { type Config, ConfigError, parseConfig } from '../src/config.ts'

const faultsOf = (env: Record<string, string>): readonly string[] => {
  try {
    parseConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

const megabyte = 1024 * 1024
const machine = (megabytes: number) => ({ limitBytes: megabytes * megabyte, isLimited: false })
const limited = (megabytes: number) => ({ limitBytes: megabytes * megabyte, isLimited: true })

describe('defaults', () => {
  test('are those of the documentation', () => {
    expect(parseConfig({}, { heapBytes: 2048 * megabyte, memory: machine(4096) })).toEqual({
      port: 7044,
      host: '0.0.0.0',
      routePrefix: '',
      trustedProxyHops: 0,
      publicUrl: undefined,
      maxBodyBytes: 20_971_520,
      bodyBudgetBytes: 256 * megabyte,
      shutdownGraceMs: 30_000,
      apiSecrets: [],
      adminSecrets: [],
      requestRateLimit: 60,
      ipBlockList: [],
      corsOrigins: ['*'],
      cookieText: undefined,
      vendorApiKeys: [],
      gskApiKeys: [],
      accountMaxConcurrency: 0,
      accountSelection: 'least-busy',
      maxAttempts: 3,
      rateLimitCoolDownMs: 600_000,
      queueWaitMs: 15_000,
      queueMax: 100,
      baseUrl: 'https://www.genspark.ai',
      protocol: 'auto',
      transport: 'auto',
      proxyUrl: undefined,
      firstEventTimeoutMs: 120_000,
      idleTimeoutMs: 120_000,
      totalTimeoutMs: 3_600_000,
      mediaTimeoutMs: 600_000,
      recaptchaMode: 'embedded',
      recaptchaProxyUrl: undefined,
      recaptchaSiteKey: undefined,
      recaptchaAction: undefined,
      recaptchaScriptUrl: undefined,
      tokenRequired: true,
      tokenPrefetch: 'auto',
      tokenMaxAgeMs: 90_000,
      browserMaxPages: 15,
      browserExecutable: undefined,
      browserHeaded: false,
      display: undefined,
      xAuthority: undefined,
      browserEndpoint: undefined,
      verifierEndpoint: false,
      autoBindChats: true,
      modelChatMap: new Map(),
      sessionImageChatMap: new Map(),
      autoDeleteChats: false,
      preMessages: [],
      reasoningHidden: false,
      reasoningFormat: 'reasoning-content',
      headerHoldMs: 10_000,
      streamPingMs: 15_000,
      servedModelMismatch: 'tell',
      debugHeaders: false,
      streamErrorText: true,
      fileLinkMs: 2_592_000_000,
      imageUrlAllowPrivate: false,
      responsesStored: true,
      responsesKeepMs: 30 * 24 * 60 * 60 * 1000,
      embeddingsBaseUrl: undefined,
      embeddingsApiKey: undefined,
      modelsFile: undefined,
      dataDir: './data',
      redisUrl: undefined,
      redisDownMode: 'local',
      redisPrefix: 'genspark2api:',
      stateKeys: [],
      logLevel: 'info',
      logFormat: 'json',
      timeZone: undefined,
      notices: [],
      memoryPlan: { bytes: 3072 * megabyte, pages: 15, neededBytes: 680 * megabyte },
    } satisfies Config)
  })

  test('stand for empty and blank variables', () => {
    expect(parseConfig({ PORT: '', GS_COOKIE: ' ', TOKEN_REQUIRED: '', STATE_KEY: '' })).toEqual(
      parseConfig({}),
    )
  })

  test('are all shown in .env.example, and nothing else is', () => {
    const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
    const shown = [...example.matchAll(/^# ([A-Z][A-Z_]+)=(.*)$/gm)].map(
      ([, name, value]) => `${name}=${value}`,
    )
    const known = Object.values(settings)
      .filter(({ name }) => name !== 'YES_CAPTCHA_CLIENT_KEY')
      .map((setting) => `${setting.name}=${setting.default ?? ''}`)
    expect(shown.toSorted()).toEqual(known.toSorted())
  })
})

describe('values', () => {
  test.each(['1', 'true', 'yes', 'on', 'TRUE', ' On '])('%j is yes', (word) => {
    expect(parseConfig({ REASONING_HIDE: word }).reasoningHidden).toBe(true)
  })

  test.each(['0', 'false', 'no', 'off', 'False'])('%j is no', (word) => {
    expect(parseConfig({ TOKEN_REQUIRED: word }).tokenRequired).toBe(false)
  })

  test('are trimmed; lists lose their empty items', () => {
    expect(parseConfig({ API_SECRET: ' sk-a, ,sk-b,' }).apiSecrets).toEqual(['sk-a', 'sk-b'])
  })

  test.each(['"', "'"])('FINDINGS O7: lose the quotes (%s) that Docker keeps', (quote) => {
    const quoted = (text: string) => quote + text + quote
    const config = parseConfig({
      API_SECRET: quoted('sk-a,sk-b'),
      ADMIN_SECRET: `${quoted('sk-c')}, ${quoted('sk-d')}`,
      PORT: quoted('80'),
      PROXY_URL: quoted('http://p:1'),
      MODEL_CHAT_MAP: quoted('a=b'),
      GS_COOKIE: quoted('session_id=a'),
    })
    expect(config.apiSecrets).toEqual(['sk-a', 'sk-b'])
    expect(config.adminSecrets).toEqual(['sk-c', 'sk-d'])
    expect([config.port, config.proxyUrl, config.cookieText]).toEqual([80, 'http://p:1', 'session_id=a'])
    expect(config.modelChatMap.get('a')).toBe('b')
  })

  test('FINDINGS O7: keep quotes that are part of them', () => {
    const { preMessages } = parseConfig({ PRE_MESSAGES_JSON: `'[{"role":"user","content":"a"}]'` })
    expect(preMessages).toEqual([{ role: 'user', content: 'a' }])
    expect(parseConfig({ GS_COOKIE: '"a=1","b=2"' }).cookieText).toBe('"a=1","b=2"')
  })

  test('FINDINGS O10: of HOST may wear the brackets of a URL', () => {
    expect(parseConfig({ HOST: '[::1]' }).host).toBe('::1')
    expect(parseConfig({ HOST: '::1' }).host).toBe('::1')
  })

  test('in seconds may have a fraction and become milliseconds', () => {
    expect(parseConfig({ HEADER_HOLD_S: '0.25', QUEUE_WAIT_S: '3' })).toMatchObject({
      headerHoldMs: 250,
      queueWaitMs: 3000,
    })
  })

  test('in megabytes become bytes', () => {
    expect(parseConfig({ MAX_BODY_MB: '2' }).maxBodyBytes).toBe(2_097_152)
  })

  test.each([
    ['api', '/api'],
    ['/api/', '/api'],
    ['//api//v2/', '/api/v2'],
    ['/', ''],
  ])('ROUTE_PREFIX %s is %j', (given, expected) => {
    expect(parseConfig({ ROUTE_PREFIX: given }).routePrefix).toBe(expected)
  })

  test.each([
    ['https://site.example/', 'https://site.example'],
    ['http://127.0.0.1:8080/under/', 'http://127.0.0.1:8080/under'],
  ])('GENSPARK_BASE_URL %s loses its last slash', (given, expected) => {
    expect(parseConfig({ GENSPARK_BASE_URL: given }).baseUrl).toBe(expected)
  })

  test('of BODY_BUDGET_MB are an eighth of the heap by themselves, and at least one MAX_BODY_MB', () => {
    const budget = (env: Record<string, string>, heapMb: number) =>
      parseConfig(env, { heapBytes: heapMb * megabyte, memory: machine(65_536) }).bodyBudgetBytes / megabyte
    expect(budget({}, 4096)).toBe(512)
    expect(budget({ MAX_BODY_MB: '50' }, 256)).toBe(50)
    expect(budget({ BODY_BUDGET_MB: '7' }, 4096)).toBe(7)
  })

  test('FINDINGS O12: of BROWSER_MAX_PAGES and BODY_BUDGET_MB follow from the limit of the memory', () => {
    const sharesOf = (env: Record<string, string>, memory: ReturnType<typeof limited>) => {
      const config = parseConfig(env, { memory, heapBytes: memory.limitBytes / 2 })
      return [config.memoryPlan.pages, config.browserMaxPages, Math.floor(config.bodyBudgetBytes / megabyte)]
    }
    const four = { GS_COOKIE: 'session_id=a,session_id=b,session_id=c,session_id=d' }
    expect(sharesOf({}, limited(512))).toEqual([0, 1, 25])
    expect(sharesOf({}, limited(768))).toEqual([1, 1, 36])
    expect(sharesOf({}, limited(1024))).toEqual([3, 3, 64])
    expect(sharesOf(four, limited(1024))).toEqual([3, 3, 28])
    expect(sharesOf(four, limited(8192))).toEqual([20, 20, 512])
    expect(sharesOf({}, machine(1024))).toEqual([1, 1, 36])
    expect(sharesOf({ BROWSER_MAX_PAGES: '3' }, limited(512))).toEqual([0, 3, 25])
    expect(sharesOf({ BROWSER_EXECUTABLE: '/usr/bin/chromium-headless-shell' }, limited(512))).toEqual([
      1, 1, 27,
    ])
    expect(sharesOf({ RECAPTCHA_PROXY_URL: 'http://127.0.0.1:7022' }, limited(512))).toEqual([20, 20, 32])
  })

  test('of MAX_BODY_MB that the heap cannot hold are refused', () => {
    const faults = (env: Record<string, string>, heapMb: number) => {
      try {
        parseConfig(env, { heapBytes: heapMb * megabyte })
      } catch (error) {
        if (error instanceof ConfigError) return error.faults
        throw error
      }
      return []
    }
    expect(faults({}, 256)).toEqual([])
    expect(faults({ MAX_BODY_MB: '100' }, 256)).toEqual([
      'MAX_BODY_MB is 100, more than this process can hold: its heap has 256 MB, enough for 54. Lower it, or raise --max-old-space-size (in NODE_OPTIONS)',
    ])
    expect(faults({ MAX_BODY_MB: '100' }, 512)).toEqual([])
    expect(faults({}, 64)).toHaveLength(1)
  })

  test('of chat maps are pairs; a value may hold further equals signs', () => {
    expect(
      parseConfig({ SESSION_IMAGE_CHAT_MAP: 'a=chat-1,session_id=b=chat-2,session_id=Yw== = chat-3' })
        .sessionImageChatMap,
    ).toEqual(
      new Map([
        ['a', 'chat-1'],
        ['session_id=b', 'chat-2'],
        ['session_id=Yw==', 'chat-3'],
      ]),
    )
    expect(parseConfig({ MODEL_CHAT_MAP: 'gpt-5 = chat-1, o3=chat=2' }).modelChatMap).toEqual(
      new Map([
        ['gpt-5', 'chat-1'],
        ['o3', 'chat=2'],
      ]),
    )
  })

  test('of PRE_MESSAGES_JSON are messages', () => {
    const config = parseConfig({ PRE_MESSAGES_JSON: '[{"role":"system","content":"Be brief."}]' })
    expect(config.preMessages).toEqual([{ role: 'system', content: 'Be brief.' }])
  })

  test.each([
    ['hex', '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'],
    ['base64', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='],
    ['base64 without padding', 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8'],
  ])('of STATE_KEY are 32 bytes in %s', (_form, given) => {
    const [key] = parseConfig({ STATE_KEY: given }).stateKeys
    expect(key?.export()).toEqual(Buffer.from(Array.from({ length: 32 }, (_, index) => index)))
  })

  test('of STATE_KEY do not show in a log', () => {
    const config = parseConfig({ STATE_KEY: '00'.repeat(32) })
    expect(JSON.stringify(config.stateKeys)).not.toContain('00')
  })

  test('of the two block list forms and of IPv6 are taken', () => {
    const given = '203.0.113.7,198.51.100.0/24,2001:db8::/32,::1'
    expect(parseConfig({ IP_BLACK_LIST: given }).ipBlockList).toEqual(given.split(','))
  })

  test('of CORS_ORIGINS are compared as browsers send them', () => {
    expect(parseConfig({ CORS_ORIGINS: 'https://Chat.example,tauri://localhost' }).corsOrigins).toEqual([
      'https://chat.example',
      'tauri://localhost',
    ])
  })

  test('of TOKEN_PREFETCH are auto or a number', () => {
    expect(parseConfig({ TOKEN_PREFETCH: 'AUTO' }).tokenPrefetch).toBe('auto')
    expect(parseConfig({ TOKEN_PREFETCH: '0' }).tokenPrefetch).toBe(0)
  })

  test('of GS_COOKIE stay as they are', () => {
    expect(parseConfig({ GS_COOKIE: 'session_id=a:b; c1=d,e' }).cookieText).toBe('session_id=a:b; c1=d,e')
  })

  test('are frozen all the way down', () => {
    const config = parseConfig({ API_SECRET: 'sk-a', PRE_MESSAGES_JSON: '[{"role":"user","content":"Hi"}]' })
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.apiSecrets)).toBe(true)
    expect(Object.isFrozen(config.preMessages[0])).toBe(true)
    expect(Object.isFrozen(config.notices)).toBe(true)
  })
})

describe('settings that depend on others', () => {
  test('DEBUG=true means the log level debug', () => {
    expect(parseConfig({ DEBUG: 'true', LOG_LEVEL: 'error' }).logLevel).toBe('debug')
  })

  test('the log is pretty on a terminal, unless LOG_FORMAT says otherwise', () => {
    expect(parseConfig({}, { isTerminal: true }).logFormat).toBe('pretty')
    expect(parseConfig({ LOG_FORMAT: 'json' }, { isTerminal: true }).logFormat).toBe('json')
  })

  test('RECAPTCHA_PROXY_URL means remote tokens, unless RECAPTCHA_MODE says otherwise', () => {
    const remote = { RECAPTCHA_PROXY_URL: 'http://tokens.example:7022' }
    expect(parseConfig(remote).recaptchaMode).toBe('remote')
    expect(parseConfig({ ...remote, RECAPTCHA_MODE: 'embedded' }).recaptchaMode).toBe('embedded')
  })
})

describe('faults', () => {
  test.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['HOST', 'no host'],
    ['ROUTE_PREFIX', '/a b'],
    ['ROUTE_PREFIX', '/a?b'],
    ['MAX_BODY_MB', '0'],
    ['TOKEN_REQUIRED', 'maybe'],
    ['TOKEN_MAX_AGE_S', '121'],
    ['TOKEN_PREFETCH', 'many'],
    ['BROWSER_MAX_PAGES', '0'],
    ['MAX_ATTEMPTS', '0'],
    ['HEADER_HOLD_S', '60'],
    ['STREAM_PING_S', '0'],
    ['QUEUE_WAIT_S', '1e3'],
    ['GENSPARK_BASE_URL', 'www.genspark.ai'],
    ['GENSPARK_BASE_URL', 'ftp://www.genspark.ai'],
    ['GENSPARK_BASE_URL', 'https://user:pass@www.genspark.ai'],
    ['GENSPARK_PROTOCOL', 'grpc'],
    ['PROXY_URL', '127.0.0.1:8080'],
    ['PROXY_URL', 'socks4://127.0.0.1'],
    ['RECAPTCHA_PROXY_URL', 'tokens.example'],
    ['REDIS_URL', 'http://127.0.0.1'],
    ['REDIS_URL', 'redis+sentinel://'],
    ['REDIS_URL', 'redis://127.0.0.1,127.0.0.2'],
    ['ACCOUNT_SELECTION', 'best'],
    ['API_SECRET', 'sk-one,sk two'],
    ['IP_BLACK_LIST', '203.0.113.7,127.1'],
    ['IP_BLACK_LIST', '198.51.100.0/33'],
    ['CORS_ORIGINS', 'https://chat.example/path'],
    ['MODEL_CHAT_MAP', 'gpt-5'],
    ['MODEL_CHAT_MAP', 'gpt-5=a,gpt-5=b'],
    ['PRE_MESSAGES_JSON', '{"role":"user","content":"Hi"}'],
    ['PRE_MESSAGES_JSON', '[{"role":"robot","content":"Hi"}]'],
    ['PRE_MESSAGES_JSON', '[{'],
    ['STATE_KEY', 'abcd'],
    ['LOG_LEVEL', 'loud'],
    ['TZ', 'Mars/Olympus'],
  ])('%s does not take %j', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name} `))])
  })

  test('are named all at once, in plain words', () => {
    expect(
      faultsOf({
        PORT: 'x',
        STATE_KEY: `${'00'.repeat(32)},abcd`,
        MODEL_CHAT_MAP: 'a=1,a=2',
        RECAPTCHA_MODE: 'remote',
      }),
    ).toEqual([
      'PORT must be a whole number from 0 to 65535',
      'MODEL_CHAT_MAP item 2 must have a name of its own',
      'STATE_KEY item 2 must be 32 bytes in hex or base64',
      'RECAPTCHA_MODE is remote: RECAPTCHA_PROXY_URL must say which service to ask',
    ])
  })

  test('of two settings together: a part of an answer may not last longer than the whole', () => {
    expect(faultsOf({ IDLE_TIMEOUT_S: '90', FIRST_EVENT_TIMEOUT_S: '60', TOTAL_TIMEOUT_S: '80' })).toEqual([
      'IDLE_TIMEOUT_S must not be above TOTAL_TIMEOUT_S',
    ])
    expect(faultsOf({ TOTAL_TIMEOUT_S: '80' })).toEqual([])
    expect(faultsOf({ API_SECRET: 'sk-a,sk-b', ADMIN_SECRET: 'sk-c,sk-b' })).toEqual([
      expect.stringMatching(/^ADMIN_SECRET must not hold a key of API_SECRET/),
    ])
  })

  test('G1: never hold a value, whichever setting it was put into', () => {
    const canary = 'canary 5ecret'
    const env = Object.fromEntries(Object.values(settings).map(({ name }) => [name, canary]))
    const faults = faultsOf(env)
    expect(faults.length).toBeGreaterThan(40)
    expect(new ConfigError(faults).message).not.toContain('5ecret')
  })
})

describe('FINDINGS O14: the proxies of a platform', () => {
  test.each([
    ['RENDER', 'true', 2],
    ['ZEABUR_SERVICE_ID', '65f0c0ffee', 1],
    ['SPACE_ID', 'somebody/genspark2api', 1],
  ])('are known by %s', (name, value, hops) => {
    const { trustedProxyHops, notices } = parseConfig({ [name]: value })
    expect(trustedProxyHops).toBe(hops)
    expect(notices).toEqual([expect.stringContaining(`TRUSTED_PROXY_HOPS is taken to be ${hops}`)])
    expect(parseConfig({ [name]: value, TRUSTED_PROXY_HOPS: '0' })).toMatchObject({
      trustedProxyHops: 0,
      notices: [],
    })
    expect(parseConfig({ [name]: '' }).trustedProxyHops).toBe(0)
  })
})

describe('notices', () => {
  test.each([
    ['GS_COOKIE', 'session_id=PASTE_IT_HERE'],
    ['GS_COOKIE', 'session_id=THE_VALUE'],
    ['GS_COOKIE', '"session_id=PASTE_IT_HERE"'],
    ['GS_COOKIE', 'session_id=...'],
    ['GS_COOKIE', 'session_id=xxxxxxxx'],
    ['GS_COOKIE', '你的cookie'],
    ['GENSPARK_API_KEY', 'gsk-YOUR_KEY'],
    ['API_SECRET', 'sk-choose-a-key'],
    ['API_SECRET', 'sk-mine,sk-choose-a-key'],
    ['API_SECRET', 'change-me'],
    ['API_SECRET', 'your_api_key'],
    ['ADMIN_SECRET', 'CHANGE_ME'],
  ])('FINDINGS O15: tell of a placeholder in %s: %s', (name, value) => {
    const { notices } = parseConfig({ [name]: value })
    expect(notices).toEqual([expect.stringMatching(`^${name} still holds a placeholder`)])
    expect(notices.join()).not.toContain('session_id')
  })

  test.each([
    ['GS_COOKIE', 'session_id=8f14e45f-ceea-467f-a8d6-0f1b2c3d4e5f:aXyourkey9'],
    ['GS_COOKIE', 'session_id=abcXXXXXXdef'],
    ['API_SECRET', 'sk-4f9c2b1a'],
    ['API_SECRET', 'choosy-keys'],
    ['PROXY_URL', 'http://user:pass@proxy.example:8080'],
  ])('take no true value for a placeholder: %s=%s', (name, value) => {
    expect(parseConfig({ [name]: value }).notices).toEqual([])
  })

  test('tell that YES_CAPTCHA_CLIENT_KEY is not used, without its value', () => {
    expect(parseConfig({ YES_CAPTCHA_CLIENT_KEY: 'canary' }).notices).toEqual([
      'YES_CAPTCHA_CLIENT_KEY is not used: the service makes its own reCAPTCHA tokens',
    ])
  })

  test('tell what a browser elsewhere cannot do', () => {
    const PROXY_URL = 'socks5://user:canary@127.0.0.1:1080'
    const BROWSER_ENDPOINT = 'http://127.0.0.1:9222'
    expect(parseConfig({ BROWSER_ENDPOINT, PROXY_URL }).notices).toEqual([
      'PROXY_URL has a password and is a SOCKS proxy: the browser of BROWSER_ENDPOINT cannot sign in to one, so it makes no tokens',
    ])
    expect(parseConfig({ BROWSER_ENDPOINT, BROWSER_HEADED: '1' }).notices).toEqual([
      'BROWSER_HEADED is not used with BROWSER_ENDPOINT: whoever starts that browser decides',
    ])
    for (const env of [
      { PROXY_URL },
      { BROWSER_ENDPOINT, PROXY_URL: 'socks5://127.0.0.1:1080' },
      { BROWSER_ENDPOINT, PROXY_URL: 'http://user:canary@127.0.0.1:1080' },
    ])
      expect(parseConfig(env).notices).toEqual([])
  })

  test.each([
    ['GS_COOKIES', 'GS_COOKIE'],
    ['gs_cookie', 'GS_COOKIE'],
    ['API_SECRETS', 'API_SECRET'],
    ['TOKEN_PREFECTH', 'TOKEN_PREFETCH'],
    ['GENSPARK_BASEURL', 'GENSPARK_BASE_URL'],
  ])('ask whether %s is a slip of %s', (slip, meant) => {
    expect(parseConfig({ [slip]: 'canary' }).notices).toEqual([
      `${slip} is not a setting: did you mean ${meant}?`,
    ])
  })

  test('leave the rest of the environment alone', () => {
    const env = {
      HOME: '/root',
      PATH: '/bin',
      HOSTNAME: 'box',
      PWD: '/',
      TERM: 'dumb',
      LANG: 'C',
      NO_PROXY: '*',
      USER: 'me',
    }
    expect(parseConfig(env).notices).toEqual([])
  })
})
