import { describe, expect, it } from 'vitest'
import { UpstreamError, type UpstreamFailureKind, upstreamFailureCodes } from '../../src/core/errors.ts'
import { judgeAccount, type NextMove, nextMove } from '../../src/gateway/next-move.ts'

/** kind -> [first time, second time, first time without another account to try] */
const table: Record<UpstreamFailureKind, [NextMove, NextMove, NextMove]> = {
  'rate-limited': ['switch', 'switch', 'fail'],
  'quota-spent': ['switch', 'switch', 'fail'],
  'signed-out': ['switch', 'switch', 'fail'],
  empty: ['switch', 'switch', 'fail'],
  malformed: ['switch', 'switch', 'fail'],
  reset: ['switch', 'switch', 'fail'],
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

  it('cools down on a bare 5xx, and keeps the account when the service page came', () => {
    expect(judgeAccount(new UpstreamError('unavailable', { httpStatus: 503 }))).toMatchObject({
      type: 'cool-down',
      kind: 'unavailable',
    })
    expect(judgeAccount(new UpstreamError('unavailable'))).toEqual({ type: 'keep' })
  })

  it('signs out on signed-out alone, and blames no account for anything else', () => {
    for (const kind of Object.keys(upstreamFailureCodes) as UpstreamFailureKind[]) {
      const verdict = judgeAccount(new UpstreamError(kind)).type
      if (kind === 'signed-out') expect(verdict).toBe('sign-out')
      else if (kind === 'rate-limited' || kind === 'quota-spent') expect(verdict).toBe('cool-down')
      else expect(verdict, kind).toBe('keep')
    }
  })
})
