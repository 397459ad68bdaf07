import { randomBytes } from 'node:crypto'
import type { WireGeneration } from '../../../src/core/wire-generation.ts'

export const copilotSiteKey = '6Leq7KYqAAAAAGdd1NaUBJF9dHTPAKP7DcnaRc66'
export const agentSiteKey = '6LfYyWcsAAAAAK8DUr6Oo1wHl2CJ5kKbO0AK3LIM'

/** Google: valid for two minutes, verified once (WIRE 3.3). */
const lifeMs = 120_000

export interface MintedToken {
  readonly token: string
  /** The `Cookie` header of the page that minted it. */
  readonly cookie: string
  readonly siteKey: string
  readonly action: string
  readonly mintedAt: number
  usedAt: number | undefined
}

export type TokenFate =
  | 'accepted'
  | 'missing'
  | 'unknown'
  | 'used'
  | 'expired'
  | 'wrong-cookies'
  | 'wrong-action'

export interface TokenVerdict {
  readonly verdict: TokenFate
  readonly ageMs?: number
  readonly action?: string
  readonly siteKey?: string
}

/** Every token that the double minted, and the check that the site's back end would make of it. */
export function createTokenLedger(now: () => number, identify: (cookie: string) => string) {
  const entries: MintedToken[] = []
  const byToken = new Map<string, MintedToken>()

  return {
    entries,
    mint(input: { cookie: string; siteKey: string; action: string }): string {
      const entry = {
        ...input,
        token: `03AF${randomBytes(48).toString('base64url')}`,
        mintedAt: now(),
        usedAt: undefined,
      }
      entries.push(entry)
      byToken.set(entry.token, entry)
      return entry.token
    },
    /** Checks a token and spends it, whatever the verdict. */
    redeem(token: string | undefined, use: { cookie: string; generation: WireGeneration }): TokenVerdict {
      if (!token) return { verdict: 'missing' }
      const entry = byToken.get(token)
      if (!entry) return { verdict: 'unknown' }
      const verdict = judge(entry, use, { time: now(), identify })
      entry.usedAt ??= now()
      return { verdict, ageMs: now() - entry.mintedAt, action: entry.action, siteKey: entry.siteKey }
    },
  }
}

function judge(
  entry: MintedToken,
  use: { cookie: string; generation: WireGeneration },
  { time, identify }: { time: number; identify: (cookie: string) => string },
): TokenFate {
  if (entry.usedAt !== undefined) return 'used'
  if (time - entry.mintedAt > lifeMs) return 'expired'
  if (identify(entry.cookie) !== identify(use.cookie)) return 'wrong-cookies'
  if (!isRightAction(entry, use.generation)) return 'wrong-action'
  return 'accepted'
}

function isRightAction({ siteKey, action }: MintedToken, generation: WireGeneration): boolean {
  if (generation === 'copilot') return siteKey === copilotSiteKey && action === 'copilot'
  if (siteKey === agentSiteKey) return action === 'submit' || action === 'agent_ask'
  if (siteKey === copilotSiteKey) return action === 'ask' || action === 'agent_ask'
  return action === 'agent_ask'
}

/** A browser may send the same cookies in another order. */
export const sortedCookies = (header: string): string =>
  header
    .split(';')
    .map((pair) => pair.trim())
    .sort()
    .join('; ')
