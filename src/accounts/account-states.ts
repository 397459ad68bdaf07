import { type AccountHold, type AccountState, type AccountUse, holdName, type Store } from '../store/store.ts'

/** The uses that have holds of their own; those of chats hold the account. */
const ownUses = ['image', 'video'] as const

/** What is known of an account, with the holds of one use alone. */
export interface AccountStateByUse extends AccountState {
  readonly useHolds?: Readonly<Partial<Record<AccountUse, AccountHold>>>
}

/** Reads the states of accounts, those of their single uses among them; changes nothing. */
export async function readAccountStates(
  store: Pick<Store, 'accountStates'>,
  keys: readonly string[],
): Promise<ReadonlyMap<string, AccountStateByUse>> {
  const names = keys.flatMap((key) => [key, ...ownUses.map((use) => holdName(key, use))])
  const states = await store.accountStates(names)
  const found = new Map<string, AccountStateByUse>()
  for (const key of keys) {
    const useHolds: Partial<Record<AccountUse, AccountHold>> = {}
    for (const use of ownUses) {
      const hold = states.get(holdName(key, use))?.hold
      if (hold) useHolds[use] = hold
    }
    const own = states.get(key) ?? { inFlight: 0 }
    found.set(key, Object.keys(useHolds).length > 0 ? { ...own, useHolds } : own)
  }
  return found
}
