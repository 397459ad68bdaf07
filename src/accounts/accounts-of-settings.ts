import type { Account } from '../core/account.ts'
import { parseApiKeyList } from './parse-api-key.ts'
import { parseCookieList } from './parse-cookie.ts'

export interface AccountSettings {
  /** GS_COOKIE */
  readonly cookieText?: string | undefined
  /** GENSPARK_API_KEY */
  readonly vendorApiKeys: readonly string[]
}

export interface AccountsOfSettings {
  readonly accounts: readonly Account[]
  /** An item that cannot be read costs only itself. None of these holds a secret. */
  readonly problems: readonly { readonly setting: string; readonly problem: string }[]
}

/** The accounts that the settings name, API keys first. */
export function accountsOfSettings({ cookieText, vendorApiKeys }: AccountSettings): AccountsOfSettings {
  const cookies = parseCookieList(cookieText ?? '')
  const apiKeys = parseApiKeyList(vendorApiKeys)
  return {
    accounts: [...apiKeys.accounts, ...cookies.accounts],
    problems: [
      ...cookies.problems.map((problem) => ({ setting: 'GS_COOKIE', problem })),
      ...apiKeys.problems.map((problem) => ({ setting: 'GENSPARK_API_KEY', problem })),
    ],
  }
}
