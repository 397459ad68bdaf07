import { expect } from 'vitest'
import type { CountedAttempt, Store } from '../../src/store/store.ts'

export async function countAttempt(
  store: Pick<Store, 'lease' | 'releaseLease'>,
  model: string,
  counted: CountedAttempt = { outcome: 'succeeded', caller: 'key' },
): Promise<void> {
  const answer = await store.lease({
    accounts: ['a'],
    exclude: new Set(),
    selection: 'least-busy',
    maxConcurrency: 0,
    leaseMs: 30_000,
    requestId: 'request',
    model,
  })
  if (answer.type !== 'leased') throw new Error(`expected a lease, got ${answer.type}`)
  await store.releaseLease({ account: 'a', leaseId: answer.leaseId, model, counted })
}

/** Of a store with `maxCounts: 2`. */
export async function expectCountsBound(store: Store): Promise<void> {
  const read = async () =>
    (await store.counts(0, Date.UTC(2100, 0))).map(({ account, model, caller, succeeded, failed }) =>
      [account, model, caller, succeeded, failed].join(' '),
    )
  for (const model of ['one', 'two', 'three', 'four', 'one']) await countAttempt(store, model)
  expect(await read()).toEqual(['a one key 2 0', 'a two key 1 0', 'other other other 2 0'])
  await countAttempt(store, 'five', { outcome: 'failed' })
  await countAttempt(store, 'two')
  expect(await read()).toEqual(['a one key 2 0', 'a two key 2 0', 'other other other 2 1'])
}
