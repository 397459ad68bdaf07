import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createChatBindings } from '../../src/accounts/chat-bindings.ts'
import { createCooldowns } from '../../src/accounts/cooldowns.ts'
import { LeaseRenewal, PoolLease } from '../../src/accounts/lease.ts'
import { createAccount } from '../../src/core/account.ts'
import { silentLogger } from '../../src/core/logger.ts'

const account = createAccount('session_id=one')
const clock = { now: () => 0 }
const bindings = createChatBindings({ pins: new Map(), imagePins: new Map(), autoBind: true })

let extended: boolean
let renewal: LeaseRenewal

beforeEach(() => {
  vi.useFakeTimers()
  extended = true
  const store = { extendLease: async () => extended }
  renewal = new LeaseRenewal({ store, leaseMs: 30_000, logger: silentLogger })
})
afterEach(() => {
  renewal.close()
  vi.useRealTimers()
})

function lease(): PoolLease {
  const cooldowns = createCooldowns({
    store: { countRateLimit: async () => 1 },
    clock,
    logger: silentLogger,
    maxBackOffMs: 1000,
  })
  const store = { releaseLease: async () => {}, setHold: async () => {} }
  const context = { store, renewal, cooldowns, chatDeletions: undefined, clock, logger: silentLogger }
  const binding = bindings.bind(account, { use: 'chat', model: 'm', stored: undefined })
  return new PoolLease(context, {
    account,
    leaseId: 'id',
    model: 'm',
    use: 'chat',
    caller: undefined,
    binding,
  })
}

it('calls back once when it is lost, but not those that no longer listen', async () => {
  const taken = lease()
  const stays = vi.fn()
  const leaves = vi.fn()
  taken.onLost(stays)
  taken.onLost(leaves)()
  const { lost } = taken
  await vi.advanceTimersByTimeAsync(10_000)
  expect(lost.aborted).toBe(false)
  extended = false
  await vi.advanceTimersByTimeAsync(30_000)
  expect(stays).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'dependency_unavailable' }))
  expect(leaves).not.toHaveBeenCalled()
  expect(lost.reason).toBe(stays.mock.calls[0]?.[0])
})

it('calls back at once, and its signal is aborted, when it is lost already', async () => {
  const taken = lease()
  extended = false
  await vi.advanceTimersByTimeAsync(10_000)
  const late = vi.fn()
  taken.onLost(late)
  expect(late).toHaveBeenCalledOnce()
  expect(taken.lost.reason).toBe(late.mock.calls[0]?.[0])
})

it('is not lost once it is released', async () => {
  const taken = lease()
  const listener = vi.fn()
  taken.onLost(listener)
  await taken.release({ type: 'succeeded' })
  extended = false
  await vi.advanceTimersByTimeAsync(60_000)
  expect(listener).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})
