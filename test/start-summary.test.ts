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

const summary = (env: Record<string, string>, accounts: Accounts, isStateKept = true) =>
  summariseStart(parseConfig(env), { url, accounts, isStateKept })

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
    expect(summary({}, [cookie], false).facts.store).toBe('embedded, in memory until the process ends')
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
