import { createHash, randomBytes } from 'node:crypto'
import { countOf, fieldOf } from '../counts.ts'
import {
  type AccountHold,
  type AccountState,
  type AdoptedLease,
  type CoolingKind,
  chatBindingMs,
  type LeaseAnswer,
  type LeaseInput,
  type Store,
} from '../store.ts'
import { redisFailure } from './redis-failure.ts'
import { itemsOf, type Reply, type RunScript, readPairs } from './redis-scripts.ts'

export interface RedisLeasesOptions {
  readonly runScript: RunScript
  /** From 0 up to but not including 1. */
  readonly random: () => number
  readonly maxBindings: number
  /** Of each hour. */
  readonly maxCounts: number
  /** Something has become free, by this replica. */
  readonly onFreed: () => void
}

export interface RedisLeases
  extends Pick<
    Store,
    'lease' | 'extendLease' | 'releaseLease' | 'clearHold' | 'dropBindings' | 'setHold' | 'accountStates'
  > {
  adoptLeases(leases: readonly AdoptedLease[]): Promise<void>
}

/** Beyond it all that are busy or held come whole: they are few among many. */
const manyAccounts = 100
/** A pool may be dropped by another replica between its registration and the lease. */
const maxRegistrations = 3

/** Leases and holds of accounts in Redis. */
export function createRedisLeases(options: RedisLeasesOptions): RedisLeases {
  const { runScript, random, maxBindings, maxCounts, onFreed } = options
  const pools = createPools(runScript)

  async function tryLease(input: LeaseInput, leaseId: string): Promise<LeaseAnswer | undefined> {
    const { accounts, fallback, leaseMs, model, exclude, preferred = [] } = input
    const bindingMs = model === undefined ? 0 : chatBindingMs
    const names = [pools.nameOf(accounts, input), pools.nameOf(fallback, input)] as const
    const args = [
      ...names,
      leaseId,
      leaseMs,
      model ?? '',
      bindingMs,
      random(),
      preferred.join(' '),
      ...exclude,
    ]
    return readLeaseAnswer(await runScript('lease', ...args), leaseId)
  }

  return {
    async lease(input) {
      const leaseId = `${input.requestId}.${randomBytes(6).toString('hex')}`
      try {
        for (let registered = 0; ; registered += 1) {
          const answer = await tryLease(input, leaseId)
          if (answer) return answer
          if (registered === maxRegistrations) break
          await pools.register(input)
        }
      } catch (error) {
        // Only the answer may have been late: then the lease was taken all the same.
        void runScript('abandon-lease', leaseId).catch(() => {})
        throw error
      }
      throw redisFailure(new Error('a pool of accounts is lost as soon as it is registered'))
    },

    async extendLease({ account, leaseId, leaseMs }) {
      return (await runScript('extend-lease', account, leaseId, leaseMs)) === 1
    },

    async releaseLease(release) {
      const { account, leaseId, model, chatId, hold, succeeded } = release
      const chat = chatId === undefined ? 'keep' : chatId === null ? 'drop' : 'bind'
      const lesson = [model, chat, chatId ?? '', hold ? encodeHold(hold) : '', succeeded ? '1' : '']
      // The hour is Redis's own.
      const count = countOf(release, 0)
      const counted = [count ? fieldOf(count) : '', maxCounts]
      const args = [account, leaseId, ...lesson, chatBindingMs, maxBindings, ...counted]
      if ((await runScript('release-lease', ...args)) === 1) onFreed()
    },

    async adoptLeases(leases) {
      if (leases.length === 0) return
      const args = leases.flatMap(({ account, leaseId, leaseMs }) => [account, leaseId, leaseMs])
      await runScript('adopt-leases', ...args)
    },

    async clearHold(account) {
      await runScript('clear-hold', account)
      onFreed()
    },

    async dropBindings(account) {
      let cursor = '0'
      do cursor = String(await runScript('drop-bindings', account, cursor))
      while (cursor !== '0')
    },

    async setHold(account, hold) {
      await runScript('set-hold', account, encodeHold(hold))
    },

    async accountStates(accounts) {
      const reply = await runScript('account-states', ...(accounts.length > manyAccounts ? [] : accounts))
      return readStates(reply, accounts)
    },
  }
}

type PoolTerms = Pick<LeaseInput, 'selection' | 'maxConcurrency' | 'use'>

/** Lists that one replica leases from at a time: API keys and cookies, and those before the last change of the accounts. */
const poolsInUse = 4

/** A list of accounts is sent to Redis once and named from then on, so that a lease costs the same whatever its length. */
function createPools(runScript: RunScript) {
  /** A caller that passes one list for all its requests is spared the hashing. */
  const digests = new WeakMap<readonly string[], string>()
  /** Names that this replica has registered, the newest last. */
  const registered = new Set<string>()

  function digestOf(accounts: readonly string[]): string {
    const known = digests.get(accounts)
    if (known) return known
    const sorted = [...accounts].sort().join('\n')
    const digest = createHash('sha256').update(sorted).digest('hex').slice(0, 32)
    digests.set(accounts, digest)
    return digest
  }

  /** Name of the pool that stands for a list of accounts under a selection and a cap: the same on all replicas; '' for none. */
  function nameOf(
    accounts: readonly string[] | undefined,
    { selection, maxConcurrency, use = 'chat' }: PoolTerms,
  ): string {
    if (!accounts || accounts.length === 0) return ''
    return `${selection}.${maxConcurrency}.${digestOf(accounts)}${use === 'chat' ? '' : `.${use}`}`
  }

  /** Each change of the accounts makes new lists; every pool that stays costs Redis a write at each lease and release. */
  function replacedBy(name: string): string[] {
    registered.delete(name)
    registered.add(name)
    const ofSameUse = [...registered].filter((each) => each.split('.')[3] === name.split('.')[3])
    const replaced = ofSameUse.slice(0, -poolsInUse)
    for (const each of replaced) registered.delete(each)
    return replaced
  }

  return {
    nameOf,

    /** Sends Redis the lists behind the pools of a lease. @throws {UnavailableError} `dependency_unavailable` */
    async register(input: LeaseInput): Promise<void> {
      for (const accounts of [input.accounts, input.fallback]) {
        const name = nameOf(accounts, input)
        if (!accounts || !name) continue
        const replaced = replacedBy(name)
        await runScript('register-pool', name, replaced.length, ...replaced, ...accounts)
      }
    },
  }
}

/** @returns undefined when Redis does not know the pools */
function readLeaseAnswer(reply: Reply, leaseId: string): LeaseAnswer | undefined {
  const [type, found, chatId] = itemsOf(reply)
  if (type === 'leased')
    return { type, account: String(found), leaseId, ...(typeof chatId === 'string' && { chatId }) }
  if (type === 'cooling') return { type, untilMs: Number(found) }
  return type === 'busy' || type === 'none' ? { type } : undefined
}

function readStates(reply: Reply, accounts: readonly string[]): ReadonlyMap<string, AccountState> {
  const [nowMs, inFlight, holds] = itemsOf(reply)
  const counts = readPairs(inFlight)
  const held = readPairs(holds)
  const stateOf = (account: string): AccountState => {
    const encoded = held.get(account)
    const hold = encoded === undefined ? undefined : decodeHold(encoded)
    const hasEnded = hold?.type === 'cooling' && hold.untilMs <= Number(nowMs)
    return { inFlight: Number(counts.get(account) ?? 0), ...(hold && !hasEnded && { hold }) }
  }
  return new Map(accounts.map((account) => [account, stateOf(account)]))
}

/** `signed-out:<since ms>`, perhaps with `:<reason>`, or `cooling:<until ms>:<kind>`. */
function encodeHold(hold: AccountHold): string {
  if (hold.type === 'cooling') return `cooling:${hold.untilMs}:${hold.kind}`
  return `signed-out:${hold.sinceMs}${hold.reason ? `:${hold.reason}` : ''}`
}

function decodeHold(encoded: string): AccountHold {
  const [type, ms, kind] = encoded.split(':')
  if (type === 'signed-out')
    return { type, sinceMs: Number(ms), ...(kind === 'plan-blocked' && { reason: kind }) }
  // Written by `encodeHold` alone.
  return { type: 'cooling', kind: kind as CoolingKind, untilMs: Number(ms) }
}
