import { describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config.ts'
import { createAccount, createApiKeyAccount } from '../src/core/account.ts'
import { version } from '../src/core/version.ts'
import { summariseStart } from '../src/start-summary.ts'

const url = 'http://localhost:7044'
const cookie = { account: createAccount('session_id=canary-cookie'), recordId: undefined }
const apiKey = { account: createApiKeyAccount('canary-key'), recordId: undefined }
const added = { account: createAccount('session_id=added'), recordId: 'record-1' }

type Accounts = Parameters<typeof summariseStart>[1]['accounts']

const summary = (
  env: Record<string, string>,
  accounts: Accounts,
  { isStateKept = true, megabytes = 8192 } = {},
) =>
  summariseStart(parseConfig(env, { memory: { limitBytes: megabytes * 1024 * 1024, isLimited: true } }), {
    url,
    accounts,
    isStateKept,
  })

describe('the facts', () => {
  it('are the address, the accounts, the protocol, who makes tokens and where the state is', () => {
    expect(summary({ API_SECRET: 'sk-canary' }, [cookie, apiKey])).toEqual({
      facts: {
        version,
        url,
        accounts: 2,
        protocol: 'auto',
        tokens: 'own Chromium',
        store: 'embedded, in ./data',
        memoryMb: 8192,
      },
      warnings: [],
    })
  })

  it.each([
    [{ RECAPTCHA_PROXY_URL: 'http://127.0.0.1:7022' }, [cookie], 'token service'],
    [{ RECAPTCHA_MODE: 'off' }, [cookie], 'none'],
    [{}, [], 'own Chromium'],
    [{}, [apiKey], 'not needed'],
  ])('name who makes the tokens: %j', (env, accounts, tokens) => {
    expect(summary(env as Record<string, string>, accounts).facts.tokens).toBe(tokens)
  })

  it('name Redis without its address, which may hold a password', () => {
    const { facts } = summary({ REDIS_URL: 'redis://user:canary@127.0.0.1' }, [cookie])
    expect(facts.store).toBe('Redis')
  })

  it('FINDINGS O23: do not say that the state is kept where it is not', () => {
    expect(summary({}, [cookie], { isStateKept: false }).facts.store).toBe(
      'embedded, in memory until the process ends',
    )
  })

  it('hold no secret', () => {
    const env = { API_SECRET: 'sk-canary', REDIS_URL: 'redis://:canary@127.0.0.1', RECAPTCHA_MODE: 'off' }
    expect(JSON.stringify(summary(env, [cookie, apiKey]))).not.toContain('canary')
  })
})

describe('the warnings', () => {
  const warnings = (env: Record<string, string>, accounts: Accounts = [cookie]) =>
    summary(env, accounts).warnings
  const safe = { API_SECRET: 'sk-mine' }
  const ofMemory = (env: Record<string, string>, accounts: Accounts, megabytes: number) =>
    summary({ ...safe, ...env }, accounts, { megabytes: megabytes }).warnings
  const paused = { ...added, paused: true }

  it('FINDINGS O12: tell what the memory does not hold, and what it would', () => {
    expect(ofMemory({}, [cookie], 512)).toEqual([
      expect.stringMatching(
        /^512 MB.*need 680.*GENSPARK_API_KEY.*RECAPTCHA_PROXY_URL.*at home.*BROWSER_ENDPOINT.*chromium-headless-shell/,
      ),
    ])
    expect(ofMemory({}, [cookie, cookie, cookie], 768)).toEqual([
      expect.stringMatching(/^768 MB of memory hold the pages of 1 account at once: 3 take turns/),
    ])
    expect(ofMemory({ BROWSER_MAX_PAGES: '4' }, [cookie, cookie, cookie], 768)).toEqual([
      expect.stringMatching(
        /^768 MB of memory hold the pages of 1 account at once, and BROWSER_MAX_PAGES is 4/,
      ),
    ])
  })

  it.each<[string, Record<string, string>, Accounts, number]>([
    ['the accounts fit', {}, [cookie, cookie, cookie], 1024],
    ['no account has a cookie', {}, [apiKey], 256],
    ['those with a cookie are paused', {}, [paused], 512],
    ['another machine makes the tokens', { RECAPTCHA_PROXY_URL: 'http://127.0.0.1:7022' }, [cookie], 512],
    ['the browser is on another machine', { BROWSER_ENDPOINT: 'http://127.0.0.1:9222' }, [cookie], 512],
    ['the browser is small', { BROWSER_EXECUTABLE: '/usr/bin/chromium-headless-shell' }, [cookie], 512],
  ])('say nothing of memory where %s', (_case, env, accounts, megabytes) => {
    expect(ofMemory(env, accounts, megabytes)).toEqual([])
  })

  it('tell without an account what to set', () => {
    expect(warnings(safe, [])).toEqual([expect.stringMatching(/^no account.*GS_COOKIE.*GENSPARK_API_KEY/)])
  })

  it('tell without API_SECRET that it is open to all', () => {
    expect(warnings({})).toEqual([expect.stringMatching(/^no API_SECRET.*HOST=127\.0\.0\.1$/)])
    expect(warnings({ HOST: '192.168.0.7' })).toHaveLength(1)
    expect(warnings({ HOST: '::' })).toHaveLength(1)
  })

  it.each(['127.0.0.1', '127.0.0.2', '::1', 'localhost'])('let it be open on %s', (HOST) => {
    expect(warnings({ HOST })).toEqual([])
  })

  it('FINDINGS O23: do not speak of your accounts where the site is a mock on this machine', () => {
    expect(warnings({ GENSPARK_BASE_URL: 'http://127.0.0.1:4000' })).toEqual([])
  })

  it('tell that tokens are off, unless no account needs one', () => {
    const off = { ...safe, RECAPTCHA_MODE: 'off' }
    expect(warnings(off)).toEqual([expect.stringMatching(/^RECAPTCHA_MODE=off.*weaker model/)])
    expect(warnings(off, [apiKey])).toEqual([])
  })

  it('FINDINGS S8: tell what lies readable in Redis, and what is not kept there', () => {
    const shared = { ...safe, REDIS_URL: 'redis://127.0.0.1' }
    expect(warnings(shared, [cookie, added])).toEqual([
      expect.stringMatching(/^no STATE_KEY.*readable in Redis, and kept responses stay.*openssl/),
    ])
    expect(warnings(shared, [cookie])).toHaveLength(1)
    expect(warnings(shared, [apiKey])).toEqual([
      expect.stringMatching(/^no STATE_KEY, so that kept responses stay in the memory/),
    ])
    expect(warnings({ ...shared, STATE_KEY: 'ab'.repeat(32) }, [added])).toEqual([])
    expect(warnings(safe, [added])).toEqual([])
  })
})
