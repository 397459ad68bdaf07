import { expect, it } from 'vitest'
import { type AccountView, checkAccounts, watchSignedOut } from '../../src/accounts/account-admin.ts'
import { UpstreamError } from '../../src/core/errors.ts'
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

type Line = [level: string, fields: Readonly<Record<string, unknown>>, text: string]

async function run(
  check: (id: string) => Promise<AccountView>,
  { closing = new AbortController(), views }: { closing?: AbortController; views?: AccountView[] } = {},
): Promise<Line[]> {
  const paused = { ...signedOut('acc_paused'), paused: true }
  const lines: Line[] = []
  const note =
    (level: string) =>
    (fields: Readonly<Record<string, unknown>>, text: string): void => {
      lines.push([level, fields, text])
    }
  await checkAccounts({
    admin: {
      ...admin,
      list: () => Promise.resolve(views ?? [usable, signedOut('acc_1'), cooling, paused, signedOut('acc_2')]),
      check,
    },
    logger: { ...silentLogger, info: note('info'), warn: note('warn') },
    signal: closing.signal,
  })
  return lines
}

it('checks each account once, those that were signed out first, none that cools down or is paused', async () => {
  const checked: string[] = []
  await run((id) => {
    checked.push(id)
    return id === 'acc_1' ? Promise.reject(new Error('away')) : Promise.resolve(usable)
  })
  expect(checked).toEqual(['acc_1', 'acc_2', 'acc_usable'])
})

it('FINDINGS O15: warns of an account that is signed out, and says what to do', async () => {
  const lines = await run((id) => Promise.resolve(id === 'acc_usable' ? signedOut(id) : usable))
  expect(lines).toEqual([
    ['info', { account: 'acc_1' }, 'account is signed in again'],
    ['info', { account: 'acc_2' }, 'account is signed in again'],
    ['warn', { account: 'acc_usable' }, expect.stringMatching(/signed out.*GS_COOKIE/)],
    ['info', { signedIn: 2, signedOut: 1, unknown: 0 }, 'accounts checked'],
  ])
  const keys = await run(() => Promise.resolve(signedOut('acc_1')), {
    views: [{ ...signedOut('acc_1'), kind: 'api-key' }],
  })
  expect(keys[0]?.[2]).toContain('GENSPARK_API_KEY')
})

it('FINDINGS O16: warns once where the site is unreachable, without the address of a proxy in the error', async () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED http://user:canary@127.0.0.1:9'), {
    code: 'ECONNREFUSED',
  })
  const lines = await run(() => Promise.reject(new UpstreamError('unavailable', { cause })))
  expect(lines).toEqual([
    [
      'warn',
      { reason: expect.any(String), code: 'ECONNREFUSED' },
      expect.stringMatching(/unreachable.*PROXY_URL/),
    ],
    ['info', { signedIn: 0, signedOut: 0, unknown: 3 }, 'accounts checked'],
  ])
  expect(JSON.stringify(lines)).not.toContain('canary')

  const own = await run(() => Promise.reject(new UpstreamError('unavailable', { cause })), {
    views: [{ ...usable, proxy: 'http://10.0.0.1:8080' }],
  })
  expect(own[0]).toMatchObject([
    'warn',
    { proxy: 'http://10.0.0.1:8080' },
    expect.stringContaining('proxy of this account'),
  ])
})

it('does not call the site unreachable when it answers', async () => {
  const lines = await run(() => Promise.reject(new UpstreamError('challenged')))
  expect(lines[0]?.[2]).toContain('doctor')
})

it('H1: ends with the service, without a word', async () => {
  const closing = new AbortController()
  const many = Array.from({ length: 20 }, (_, index) => ({ ...usable, id: `acc_${index}` }))
  const checked: string[] = []
  const lines = await run(
    (id) => {
      checked.push(id)
      closing.abort()
      return Promise.reject(closing.signal.reason)
    },
    { closing, views: many },
  )
  expect(checked.length).toBeLessThan(20)
  expect(lines).toEqual([])
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
