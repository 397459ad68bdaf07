import { expect, it } from 'vitest'
import { type AccountView, checkSignedOut, watchSignedOut } from '../../src/accounts/account-admin.ts'
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
const admin = { learnPersons: () => Promise.resolve(), noticeTwins: () => Promise.resolve() }
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
    admin: { ...admin, list: () => Promise.resolve(views), check },
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

it('FINDINGS A11: looks at a signed-out account again, less and less often, until it is good', async () => {
  const end = new AbortController()
  const checkedMs: number[] = []
  let nowMs = 0
  let isOut = true
  let ticks = 0
  await watchSignedOut({
    admin: {
      ...admin,
      list: () => {
        ticks += 1
        nowMs += 30_000
        if (ticks > 400) end.abort()
        return Promise.resolve(isOut ? [signedOut('acc_1'), usable] : [usable])
      },
      check: () => {
        checkedMs.push(nowMs)
        isOut = checkedMs.length < 6
        return Promise.resolve(isOut ? signedOut('acc_1') : usable)
      },
    },
    clock: { now: () => nowMs },
    logger: silentLogger,
    signal: end.signal,
    tickMs: 0,
  })
  const minutes = checkedMs.map((ms, index) => (ms - (checkedMs[index - 1] ?? 30_000)) / 60_000)
  expect(minutes).toEqual([1, 10, 20, 30, 30, 30])
})
