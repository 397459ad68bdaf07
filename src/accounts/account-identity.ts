import type { Account } from '../core/account.ts'
import { findSession } from './cookie-header.ts'

/** What makes two accounts one: the session, whatever other cookies stand around it, or the API key. Asked twice it would be
 *  over its cap. It is a secret. */
export function identityOf(account: Account): string {
  if (account.kind === 'api-key') return account.apiKey
  return findSession(account.cookie) ?? account.cookie
}
