import type { AccountPool } from '../accounts/account-pool.ts'
import type { TokenSource } from '../browser/token-source.ts'

export interface Readiness {
  readonly ready: boolean
  readonly parts: Readonly<Record<string, ReadinessPart>>
}

/** `ok: false` in any part takes the replica out of service. */
export interface ReadinessPart {
  readonly ok: boolean
  readonly [field: string]: unknown
}

export interface ReadinessRooms {
  readonly pool: Pick<AccountPool, 'statuses'>
  readonly tokens: Pick<TokenSource, 'state'>
  readonly isShuttingDown: () => boolean
}

/** Can a request be served now? Looks only at what the rooms know already: no upstream is asked, nothing is launched. */
export async function checkReadiness({ pool, tokens, isShuttingDown }: ReadinessRooms): Promise<Readiness> {
  const parts = {
    accounts: await checkAccounts(pool),
    browser: { ok: tokens.state() !== 'down', state: tokens.state() },
    process: { ok: !isShuttingDown(), state: isShuttingDown() ? 'shutting-down' : 'running' },
  }
  return { ready: Object.values(parts).every((part) => part.ok), parts }
}

async function checkAccounts(pool: ReadinessRooms['pool']): Promise<ReadinessPart> {
  const counts = { usable: 0, cooling: 0, 'signed-out': 0 }
  for (const { hold } of await pool.statuses()) counts[hold?.type ?? 'usable'] += 1
  return { ok: counts.usable > 0, ...counts }
}
