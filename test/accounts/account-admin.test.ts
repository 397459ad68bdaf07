import { expect, it } from 'vitest'
import { type AccountView, checkSignedOut } from '../../src/accounts/account-admin.ts'
import { silentLogger } from '../../src/core/logger.ts'

const usable: AccountView = {
  id: 'acc_usable',
  kind: 'cookie',
  note: undefined,
  paused: false,
  source: 'settings',
  addedMs: undefined,
  proxy: undefined,
  renewedMs: undefined,
  endsMs: undefined,
  inFlight: 0,
}
const signedOut = (id: string): AccountView => ({ ...usable, id, hold: { type: 'signed-out', sinceMs: 0 } })
const cooling: AccountView = {
  ...usable,
  id: 'acc_cooling',
  hold: { type: 'cooling', kind: 'quota-spent', untilMs: 1 },
}

function run(signal: AbortSignal, check: (id: string) => Promise<AccountView>) {
  const paused = { ...signedOut('acc_paused'), paused: true }
  const views = [usable, signedOut('acc_1'), cooling, paused, signedOut('acc_2')]
  return checkSignedOut({
    admin: { list: () => Promise.resolve(views), check },
    logger: silentLogger,
    signal,
  })
}

it('checks each signed-out account once, whatever becomes of the others', async () => {
  const checked: string[] = []
  await run(new AbortController().signal, (id) => {
    checked.push(id)
    return id === 'acc_1' ? Promise.reject(new Error('away')) : Promise.resolve(usable)
  })
  expect(checked).toEqual(['acc_1', 'acc_2'])
})

it('H1: ends with the service', async () => {
  const closing = new AbortController()
  const checked: string[] = []
  await run(closing.signal, (id) => {
    checked.push(id)
    closing.abort()
    return Promise.reject(closing.signal.reason)
  })
  expect(checked).toEqual(['acc_1'])
})
