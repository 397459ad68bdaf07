import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createTotalQuota, type TotalQuota, type TotalQuotaOptions } from '../../src/accounts/total-quota.ts'
import { createAccount } from '../../src/core/account.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { fixedRoster } from './fixed-roster.ts'

const accounts = ['one', 'two', 'three'].map((session) => createAccount(`session_id=${session}`))
const open: TotalQuota[] = []

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
  vi.useRealTimers()
})

function create(quota: TotalQuotaOptions['quota']): TotalQuota {
  const total = createTotalQuota({
    roster: fixedRoster(accounts),
    quota,
    clock: { now: () => Date.now() },
    logger: silentLogger,
  })
  open.push(total)
  return total
}

it('adds up the accounts and asks them again after five minutes', async () => {
  const quota = vi.fn<TotalQuotaOptions['quota']>(() => Promise.resolve({ remaining: 10, limit: 100 }))
  const total = create(quota)
  const both = await Promise.all([total.read(), total.read()])
  expect(both).toEqual([
    { remaining: 30, limit: 300 },
    { remaining: 30, limit: 300 },
  ])
  vi.setSystemTime(299_999)
  await total.read()
  expect(quota).toHaveBeenCalledTimes(3)
  quota.mockResolvedValue({ remaining: 1, limit: undefined })
  vi.setSystemTime(300_000)
  expect(await total.read()).toEqual({ remaining: 3, limit: undefined })
})

it('leaves out accounts that cannot tell, and knows nothing when none can', async () => {
  const some = create((account) => {
    if (account === accounts[0]) return Promise.reject(new Error('away'))
    return Promise.resolve(account === accounts[1] ? undefined : { remaining: 7, limit: 8 })
  })
  expect(await some.read()).toEqual({ remaining: 7, limit: 8 })
  expect(await create(() => Promise.resolve(undefined)).read()).toBeUndefined()
})

it('waits three seconds at most, then answers with the last sum; the answer that comes late counts', async () => {
  let remaining = 5
  let gate = Promise.resolve()
  const total = create(async () => {
    await gate
    return { remaining, limit: undefined }
  })
  expect((await total.read())?.remaining).toBe(15)
  vi.setSystemTime(400_000)
  const { promise, resolve } = Promise.withResolvers<void>()
  gate = promise
  remaining = 1
  const waiting = total.read()
  await vi.advanceTimersByTimeAsync(3000)
  expect((await waiting)?.remaining).toBe(15)
  resolve()
  await vi.advanceTimersByTimeAsync(0)
  expect((await total.read())?.remaining).toBe(3)
})

it('H1: closing breaks off what is asked', async () => {
  const total = create(
    (_account, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  )
  const waiting = total.read()
  await total.close()
  expect(await waiting).toBeUndefined()
})
