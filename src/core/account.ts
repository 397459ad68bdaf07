import { createHash } from 'node:crypto'

/** One of the operator's own accounts, as every room speaks of it. The cookie never leaves a request to the site or a page. */
export interface Account {
  /** First 16 hex digits of SHA-256 over the cookie (DESIGN 6). */
  readonly key: string
  /** How the account is shown in logs, metrics and pages: `acc_` and 8 hex digits. */
  readonly label: string
  /** A whole `Cookie` header value, e.g. `session_id=…; c1=…` (UPSTREAM 2.3). */
  readonly cookie: string
}

export function createAccount(cookie: string): Account {
  const digest = createHash('sha256').update(cookie).digest('hex')
  return { key: digest.slice(0, 16), label: `acc_${digest.slice(0, 8)}`, cookie }
}

export const accountLabel = (key: string): string => `acc_${key.slice(0, 8)}`
