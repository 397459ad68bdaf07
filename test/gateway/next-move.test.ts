import { describe, expect, it } from 'vitest'
import { createAccount } from '../../src/core/account.ts'
import { UpstreamError, type UpstreamFailureKind, upstreamFailureCodes } from '../../src/core/errors.ts'
import {
  judgeAccount,
  mayBeOneAccounts,
  type NextMove,
  nextMove,
  suspectAccount,
} from '../../src/gateway/next-move.ts'

/** kind -> [first time, second time, first time without another account to try] */
const table: Record<UpstreamFailureKind, [NextMove, NextMove, NextMove]> = {
  'rate-limited': ['switch', 'switch', 'fail'],
  'quota-spent': ['switch', 'switch', 'fail'],
  'signed-out': ['switch', 'switch', 'fail'],
  'plan-blocked': ['switch', 'switch', 'fail'],
  empty: ['switch', 'switch', 'fail'],
  malformed: ['switch', 'switch', 'fail'],
  reset: ['switch', 'switch', 'fail'],
  'token-missing': ['switch', 'switch', 'fail'],
  overloaded: ['switch', 'fail', 'fail'],
  unavailable: ['switch', 'fail', 'fail'],
  'token-refused': ['retry', 'switch', 'retry'],
  'binding-stale': ['retry', 'fail', 'retry'],
  'route-gone': ['retry', 'fail', 'retry'],
  challenged: ['fail', 'fail', 'fail'],
  'bad-request': ['fail', 'fail', 'fail'],
  'event-too-large': ['fail', 'fail', 'fail'],
  'first-event-timeout': ['fail', 'fail', 'fail'],
  'idle-timeout': ['fail', 'fail', 'fail'],
  'total-timeout': ['fail', 'fail', 'fail'],
}

describe('nextMove', () => {
  for (const [kind, [first, second, last]] of Object.entries(table) as [UpstreamFailureKind, NextMove[]][]) {
    it(`answers ${kind} with ${first}, then ${second}, and ${last} when no account is left`, () => {
      expect(nextMove(kind, { earlier: [], accountsLeft: 2 })).toBe(first)
      expect(nextMove(kind, { earlier: [kind], accountsLeft: 1 })).toBe(second)
      expect(nextMove(kind, { earlier: [], accountsLeft: 0 })).toBe(last)
    })
  }

  it('gives up a refused token after the second one when no account is left', () => {
    expect(nextMove('token-refused', { earlier: ['token-refused'], accountsLeft: 0 })).toBe('fail')
  })
})

describe('judgeAccount', () => {
  it('cools a rate limited account down, for as long as the site says', () => {
    expect(judgeAccount(new UpstreamError('rate-limited', { retryAfterMs: 7000 }))).toEqual({
      type: 'cool-down',
      kind: 'rate-limited',
      retryAfterMs: 7000,
    })
  })

  it('cools an account with a spent quota down until its reset', () => {
    expect(judgeAccount(new UpstreamError('quota-spent', { resetAtMs: 1_790_595_239_000 }))).toEqual({
      type: 'cool-down',
      kind: 'quota-spent',
      untilMs: 1_790_595_239_000,
    })
  })

  it('FINDINGS X2: holds no 5xx against an account, which may be the fault of the site', () => {
    const error = new UpstreamError('unavailable', { httpStatus: 503, retryAfterMs: 12_000 })
    expect(judgeAccount(error)).toEqual({ type: 'keep' })
    expect(suspectAccount(error, [])).toMatchObject({ type: 'cool-down', retryAfterMs: 12_000 })
    expect(suspectAccount(new UpstreamError('reset'), [])).toBeUndefined()
  })

  it('FINDINGS A1: rests an account shortly at most on words that anybody may have written', () => {
    for (const kind of ['rate-limited', 'quota-spent'] as const) {
      const error = new UpstreamError(kind, { isHearsay: true, resetAtMs: 9e12, retryAfterMs: 9e9 })
      expect(judgeAccount(error)).toEqual({ type: 'cool-down', kind, retryAfterMs: 30_000 })
    }
  })

  it('FINDINGS A2: goes on switching for what may be the fault of one account', () => {
    const proxied = createAccount('session_id=a', 'http://127.0.0.1:9')
    const plain = createAccount('session_id=b')
    const challenged = new UpstreamError('challenged')
    expect(mayBeOneAccounts(challenged, proxied)).toBe(true)
    expect(mayBeOneAccounts(challenged, plain)).toBe(false)
    expect(mayBeOneAccounts(new UpstreamError('unavailable', { httpStatus: 451 }), plain)).toBe(true)
    expect(mayBeOneAccounts(new UpstreamError('unavailable', { httpStatus: 503 }), plain)).toBe(false)
    const history = { earlier: ['unavailable'], accountsLeft: 1, oneAccounts: true } as const
    expect(nextMove('unavailable', history)).toBe('switch')
    expect(nextMove('challenged', history)).toBe('switch')
  })

  it('signs out on signed-out alone, and blames no account for anything else', () => {
    for (const kind of Object.keys(upstreamFailureCodes) as UpstreamFailureKind[]) {
      const verdict = judgeAccount(new UpstreamError(kind)).type
      if (kind === 'signed-out' || kind === 'plan-blocked') expect(verdict).toBe('sign-out')
      else if (kind === 'rate-limited' || kind === 'quota-spent') expect(verdict).toBe('cool-down')
      else expect(verdict, kind).toBe('keep')
    }
  })
})
