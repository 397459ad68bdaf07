import type { Account } from '../core/account.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { describeFailure, withinMs } from './describe-failure.ts'
import type { Finding } from './finding.ts'

/** Is the account signed in? */
export async function checkAccount(
  upstream: Pick<Upstream, 'checkLogin'>,
  account: Account,
): Promise<Finding> {
  const part = `account ${account.label}`
  const kind = account.kind === 'cookie' ? 'cookie' : 'API key'
  try {
    const login = await upstream.checkLogin(account, AbortSignal.timeout(withinMs))
    if (login === 'signed-in') return { state: 'ok', part, text: `signed in (${kind})` }
    return { state: 'fault', part, text: `this ${kind} is not signed in`, remedy: remedies[account.kind] }
  } catch (error) {
    return { state: 'fault', part, ...describeFailure(error, 'run this again when the site answers') }
  }
}

const remedies = {
  cookie: 'sign in with your browser and copy session_id anew',
  'api-key': 'make a new key in your Genspark settings',
} as const satisfies Record<Account['kind'], string>
