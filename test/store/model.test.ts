import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createEmbeddedStore } from '../../src/store/embedded-store.ts'
import { type AccountHold, type CoolingKind, chatBindingMs, type Store } from '../../src/store/store.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { leaseInput } from './lease-input.ts'
import { openReplica } from './shared/open-replica.ts'

// Any order of what replicas do to a store, against a reference that is a few maps: leases and caps, holds, chat bindings, time, and
// replicas that die.

const patience = { timeout: 240_000 }
const startMs = Date.UTC(2026, 10, 23)
const leaseMs = 30_000
const accounts = ['a', 'b', 'c']
const models = ['m', 'n']
const kinds: readonly CoolingKind[] = ['rate-limited', 'quota-spent', 'unavailable']

const account = fc.constantFrom(...accounts)
const model = fc.constantFrom(...models)
const replica = fc.nat(1)
const hold = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(...kinds),
      forMs: fc.oneof(fc.integer({ min: 1, max: 90_000 }), fc.constant(leaseMs)),
    }),
  },
  { weight: 1, arbitrary: fc.constant('signed-out' as const) },
)
const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('lease' as const),
      replica,
      model,
      cap: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('release' as const),
      pick: fc.nat(20),
      chat: fc.constantFrom('keep', 'bind', 'drop'),
      hold: fc.option(hold),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('extend' as const), pick: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('hold' as const), replica, account, hold }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clear' as const), replica, account }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('forget' as const), replica, account }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('wait' as const),
      ms: fc.oneof(
        fc.integer({ min: 0, max: 40_000 }), // The ends of lives, to the millisecond.
        fc.constantFrom(leaseMs, leaseMs - 1, chatBindingMs),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('crash' as const), replica }) },
)
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never

interface Lease {
  readonly owner: number
  readonly account: string
  readonly model: string
  readonly leaseId: string
  untilMs: number
}

/** What is right, in the plainest words. */
class Reference {
  nowMs = startMs
  leases: Lease[] = []
  readonly #holds = new Map<string, AccountHold>()
  readonly #chats = new Map<string, { chatId: string; usedMs: number }>()

  alive = (): Lease[] => this.leases.filter(({ untilMs }) => untilMs > this.nowMs)
  inFlight = (key: string): number => this.alive().filter(({ account }) => account === key).length

  hold(key: string): AccountHold | undefined {
    const found = this.#holds.get(key)
    return found?.type === 'cooling' && found.untilMs <= this.nowMs ? undefined : found
  }

  /** The stricter of two stays. */
  setHold(key: string, found: AccountHold): void {
    const current = this.hold(key)
    const endOf = (each: AccountHold) => (each.type === 'cooling' ? each.untilMs : Number.POSITIVE_INFINITY)
    const isSame = current?.type === found.type
    if (current && (isSame ? endOf(current) > endOf(found) : current.type === 'signed-out')) return
    // A second finding that somebody is signed out may keep the time of either.
    if (current?.type === 'signed-out' && isSame) return
    this.#holds.set(key, found)
  }

  clearHold = (key: string) => this.#holds.delete(key)

  chat(key: string, of: string): string | undefined {
    const found = this.#chats.get(`${key}:${of}`)
    return found && found.usedMs > this.nowMs - chatBindingMs ? found.chatId : undefined
  }
  bind = (key: string, of: string, chatId: string) =>
    this.#chats.set(`${key}:${of}`, { chatId, usedMs: this.nowMs })
  unbind = (key: string, of: string) => this.#chats.delete(`${key}:${of}`)
}

/** Stores that share what they know, and what becomes of one whose process dies and comes back. */
interface Subject {
  readonly stores: Store[]
  crash(replica: number): Promise<void>
  close(): Promise<void>
}

async function run(operations: readonly Operation[], open: (now: () => number) => Promise<Subject>) {
  const right = new Reference()
  const subject = await open(() => right.nowMs)
  const storeOf = (replica: number) => subject.stores[replica % subject.stores.length] as Store
  const holdOf = (given: Exclude<Operation & { type: 'hold' }, never>['hold']): AccountHold =>
    given === 'signed-out'
      ? { type: 'signed-out', sinceMs: right.nowMs }
      : { type: 'cooling', kind: given.kind, untilMs: right.nowMs + given.forMs }

  async function apply(step: Operation, index: number): Promise<void> {
    if (step.type === 'wait') right.nowMs += step.ms
    else if (step.type === 'lease') {
      const input = leaseInput({
        accounts,
        maxConcurrency: step.cap,
        model: step.model,
        leaseMs,
        requestId: `${index}`,
      })
      const answer = await storeOf(step.replica).lease(input)
      const usable = accounts.filter((key) => !right.hold(key))
      const free = usable.filter((key) => step.cap === 0 || right.inFlight(key) < step.cap)
      const ends = accounts.flatMap((key) => {
        const found = right.hold(key)
        return found?.type === 'cooling' ? [found.untilMs] : []
      })
      if (answer.type !== 'leased') {
        expect(free).toEqual([])
        expect(answer).toEqual(
          usable.length > 0
            ? { type: 'busy' }
            : ends.length > 0
              ? { type: 'cooling', untilMs: Math.min(...ends) }
              : { type: 'none' },
        )
        return
      }
      expect(free).toContain(answer.account)
      expect(right.leases.map(({ leaseId }) => leaseId)).not.toContain(answer.leaseId)
      expect(answer.chatId).toBe(right.chat(answer.account, step.model))
      const owner = step.replica % subject.stores.length
      right.leases.push({
        owner,
        account: answer.account,
        model: step.model,
        leaseId: answer.leaseId,
        untilMs: right.nowMs + leaseMs,
      })
    } else if (step.type === 'release' || step.type === 'extend') {
      const lease = right.leases[step.pick % Math.max(right.leases.length, 1)]
      if (!lease) return
      const isAlive = lease.untilMs > right.nowMs
      if (step.type === 'extend') {
        expect(await storeOf(lease.owner).extendLease({ ...lease, leaseMs })).toBe(isAlive)
        if (isAlive) lease.untilMs = right.nowMs + leaseMs
        return
      }
      const chatId = step.chat === 'keep' ? undefined : step.chat === 'drop' ? null : `chat ${index}`
      const found = step.hold === null ? undefined : holdOf(step.hold)
      await storeOf(lease.owner).releaseLease({ ...lease, chatId, hold: found })
      lease.untilMs = 0
      // What a lapsed lease has learnt counts for nothing.
      if (!isAlive) return
      if (chatId) right.bind(lease.account, lease.model, chatId)
      else if (chatId === null) right.unbind(lease.account, lease.model)
      if (found) right.setHold(lease.account, found)
    } else if (step.type === 'hold') {
      const found = holdOf(step.hold)
      await storeOf(step.replica).setHold(step.account, found)
      right.setHold(step.account, found)
    } else if (step.type === 'clear') {
      await storeOf(step.replica).clearHold(step.account)
      right.clearHold(step.account)
    } else if (step.type === 'forget') {
      await storeOf(step.replica).dropBindings(step.account)
      for (const each of models) right.unbind(step.account, each)
    } else {
      const dead = step.replica % subject.stores.length
      await subject.crash(dead)
      // Nobody renews or ends its leases any more. In one process alone they end with it.
      if (subject.stores.length === 1) right.leases = []
      else for (const lease of right.leases) if (lease.owner === dead) Object.assign(lease, { owner: -1 })
      right.leases = right.leases.filter(({ owner, untilMs }) => owner >= 0 || untilMs > right.nowMs)
    }
  }

  try {
    for (const [index, step] of operations.entries()) {
      // A lease whose replica has died is only looked at.
      const owned = right.leases.filter(({ owner }) => owner >= 0)
      const orphans = right.leases.filter(({ owner }) => owner < 0)
      right.leases = [...owned, ...orphans]
      const isOrphan =
        'pick' in step && step.pick % Math.max(right.leases.length, 1) >= owned.length && orphans.length > 0
      if (!isOrphan) await apply(step, index)
      for (const store of subject.stores) {
        const states = await store.accountStates(accounts)
        for (const key of accounts) {
          const { inFlight, hold: found } = states.get(key) ?? { inFlight: -1 }
          expect({ key, inFlight, type: found?.type }, `after ${JSON.stringify(step)}`).toEqual({
            key,
            inFlight: right.inFlight(key),
            type: right.hold(key)?.type,
          })
          if (found?.type === 'cooling') expect(found).toEqual(right.hold(key))
        }
      }
    }
  } finally {
    await subject.close()
  }
}

describe('any order of operations agrees with a plain reference', () => {
  it('CASES A1, A2, A4: in the embedded store, whose process may be killed', patience, async () => {
    const open = async (now: () => number): Promise<Subject> => {
      const dataDir = mkdtempSync(join(tmpdir(), 'model-'))
      const create = () =>
        createEmbeddedStore({
          dataDir,
          clock: { now },
          chooseAccount: createChooseAccount(Math.random),
          logger: silentLogger,
        })
      const dead: Store[] = []
      const stores: Store[] = [create()]
      return {
        stores,
        async crash() {
          // What a killed process leaves is what is in the file; its connection is closed at the end.
          dead.push(...stores.splice(0, 1, create()))
        },
        async close() {
          for (const store of [...stores, ...dead]) await store.close()
          rmSync(dataDir, { recursive: true })
        },
      }
    }
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), (operations) => run(operations, open)),
      { numRuns: 60 },
    )
  })

  describe('in the store of two replicas', () => {
    let server: RedisServer
    let client: Redis
    beforeAll(async () => {
      server = await startRedisServer()
      client = new Redis(server.url)
    })
    afterAll(async () => {
      await client.quit()
      await server.stop()
    })

    it('CASES A1, A2, A4: either of which may be killed and started again', patience, async () => {
      const open = async (now: () => number): Promise<Subject> => {
        await client.flushall()
        const create = async () => {
          const opened = openReplica({ redisUrl: server.url, clock: { now } })
          await opened.until('up')
          return opened
        }
        const replicas = [await create(), await create()]
        const stores: Store[] = replicas.map(({ store }) => store)
        return {
          stores,
          async crash(index) {
            // Nothing is said in parting: a store that is closed tells Redis no more than one that is killed.
            await replicas[index]?.store.close()
            replicas[index] = await create()
            stores[index] = replicas[index].store
          },
          async close() {
            for (const { store } of replicas) await store.close()
          },
        }
      }
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 40 }), (operations) => run(operations, open)),
        { numRuns: 25 },
      )
    })
  })
})
