import { hash, randomBytes } from 'node:crypto'
import { type ListDifference, listDifference } from '../../core/list-difference.ts'
import type { Logger } from '../../core/logger.ts'
import { countOf, fieldOf } from '../counts.ts'
import { createJournal } from '../journal.ts'
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
import { blame, redisFailure } from './redis-failure.ts'
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
  readonly logger: Pick<Logger, 'warn'>
}

export interface RedisLeases
  extends Pick<
    Store,
    'lease' | 'extendLease' | 'releaseLease' | 'clearHold' | 'dropBindings' | 'setHold' | 'accountStates'
  > {
  adoptLeases(leases: readonly AdoptedLease[]): Promise<void>
  /** Ends in Redis what it may have leased without our hearing of it. Each is sent as soon as its call fails; this sends those that
   *  could not be sent. @throws {UnavailableError} `dependency_unavailable` */
  abandonLeases(): Promise<void>
}

/** Of one command. */
const holdsAtOnce = 500
/** Beyond it all that are busy or held come whole: they are few among many. */
const manyAccounts = 100
/** A pool may be dropped by another replica between its registration and the lease. */
const maxRegistrations = 3

/** Leases and holds of accounts in Redis. */
export function createRedisLeases(options: RedisLeasesOptions): RedisLeases {
  const { runScript, random, maxBindings, maxCounts, onFreed, logger } = options
  const pools = createPools(runScript)
  /** Leases whose answer never came: only the answer may have been lost. */
  const abandoned = createJournal<undefined>({
    name: 'leases that nobody has',
    send: (leaseId) => runScript('abandon-lease', leaseId),
    blames: blame,
    maxFailures: 3,
    maxEntries: 10_000,
    logger,
  })

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
        abandoned.add(leaseId, undefined)
        void abandoned.replay().catch(() => {})
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

    async abandonLeases() {
      await abandoned.replay()
    },

    async clearHold(...accounts) {
      for (let from = 0; from < accounts.length; from += holdsAtOnce)
        await runScript('clear-hold', ...accounts.slice(from, from + holdsAtOnce))
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

/** Lists of accounts that are remembered: of both kinds, before and after some changes. */
const listsInUse = 8
/** Lists that one replica leases from at a time: API keys and cookies, and those before the last change of the accounts. */
const poolsInUse = 4

/** A list that differs in more from those before is sent whole. */
const fewAccounts = 500

/** A list of accounts that Redis was told of, or may have been. */
interface KnownList {
  readonly accounts: readonly string[]
  /** Of the digests of its accounts, modulo 2^128: whatever their order, and so that a change costs what changed. */
  readonly sum: bigint
}

/** A list of accounts is sent to Redis once and named from then on, so that a lease costs the same whatever its length; of a list that
 *  has changed only the difference is hashed and sent. */
function createPools(runScript: RunScript) {
  /** A caller that passes one list for all its requests is spared all of it. */
  const digests = new WeakMap<readonly string[], string>()
  /** The newest last. */
  const lists: KnownList[] = []
  /** Names that this replica has registered, the newest last. */
  const registered = new Set<string>()

  function digestOf(accounts: readonly string[]): string {
    const known = digests.get(accounts)
    if (known) return known
    const near = nearest(accounts)
    const { gone, come } = near?.difference ?? { gone: [], come: accounts }
    const sum = BigInt.asUintN(128, (near?.list.sum ?? 0n) - sumOf(gone) + sumOf(come))
    lists.push({ accounts, sum })
    if (lists.length > listsInUse) lists.shift()
    const digest = sum.toString(16).padStart(32, '0')
    digests.set(accounts, digest)
    return digest
  }

  /** Of the lists before, the last that differs little. */
  function nearest(accounts: readonly string[], isGood: (list: KnownList) => boolean = () => true) {
    for (const list of lists.toReversed()) {
      if (list.accounts === accounts || list.accounts.length === 0 || accounts.length === 0) continue
      if (Math.abs(list.accounts.length - accounts.length) > fewAccounts || !isGood(list)) continue
      const difference = listDifference(list.accounts, accounts)
      if (sizeOf(difference) <= fewAccounts) return { list, difference }
    }
    return undefined
  }

  /** @returns whether Redis knows it now: it had one that differs little */
  async function derive(input: PoolTerms, accounts: readonly string[], replaced: readonly string[]) {
    const near = nearest(accounts, (list) => registered.has(nameOf(list.accounts, input)))
    if (!near) return false
    const { gone, come } = near.difference
    const names = [nameOf(accounts, input), nameOf(near.list.accounts, input)]
    const args = [...names, replaced.length, ...replaced, gone.length, ...gone, ...come]
    return (await runScript('derive-pool', ...args)) === 1
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
        if (await derive(input, accounts, replaced)) continue
        await runScript('register-pool', name, replaced.length, ...replaced, ...accounts)
      }
    },
  }
}

function sumOf(accounts: readonly string[]): bigint {
  let sum = 0n
  for (const account of accounts) sum += BigInt(`0x${hash('sha256', account).slice(0, 32)}`)
  return sum
}

const sizeOf = ({ gone, come }: ListDifference<string>): number => gone.length + come.length

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
