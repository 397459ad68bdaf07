import { createHash } from 'node:crypto'
import type { LeaseInput } from '../store.ts'
import type { RunScript } from './redis-scripts.ts'

export interface AccountPools {
  /** Name of the pool that stands for a list of accounts under a selection and a cap: the same on all replicas; '' for none. */
  nameOf(accounts: readonly string[] | undefined, input: PoolTerms): string
  /** Tells Redis the lists behind the pools of a lease. @throws {UnavailableError} `dependency_unavailable` */
  register(input: PoolTerms & Pick<LeaseInput, 'accounts' | 'fallback'>): Promise<void>
}

type PoolTerms = Pick<LeaseInput, 'selection' | 'maxConcurrency'>

/** A list of accounts is told to Redis once and named from then on, so that a lease costs the same whatever its length. */
export function createAccountPools(runScript: RunScript): AccountPools {
  /** A caller with one list for all its requests is spared the hashing. */
  const digests = new WeakMap<readonly string[], string>()

  function digestOf(accounts: readonly string[]): string {
    const known = digests.get(accounts)
    if (known) return known
    const sorted = [...accounts].sort().join('\n')
    const digest = createHash('sha256').update(sorted).digest('hex').slice(0, 32)
    digests.set(accounts, digest)
    return digest
  }

  function nameOf(accounts: readonly string[] | undefined, { selection, maxConcurrency }: PoolTerms): string {
    return accounts && accounts.length > 0 ? `${selection}.${maxConcurrency}.${digestOf(accounts)}` : ''
  }

  return {
    nameOf,
    async register(input) {
      for (const accounts of [input.accounts, input.fallback]) {
        const name = nameOf(accounts, input)
        if (accounts && name) await runScript('register-pool', name, ...accounts)
      }
    },
  }
}
