import type { LeaseInput, Store } from '../../src/store/store.ts'

/** A lease of the account `a` for the model `m`, but for what is told. */
export const leaseInput = (over: Partial<LeaseInput> = {}): LeaseInput => ({
  accounts: ['a'],
  exclude: new Set(),
  selection: 'least-busy',
  maxConcurrency: 0,
  leaseMs: 30_000,
  requestId: 'r',
  model: 'm',
  ...over,
})

/** @returns what was leased, as its release wants it @throws when it was not */
export async function takeLease(store: Store, over: Partial<LeaseInput> = {}) {
  const answer = await store.lease(leaseInput(over))
  if (answer.type !== 'leased') throw new Error(`expected a lease, got ${answer.type}`)
  return { ...answer, model: over.model ?? 'm' }
}
