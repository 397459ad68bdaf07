import type { CookieAccount } from '../core/account.ts'

/** What a context, and each spare token of it, is made for: these cookies over this proxy. An account that is given another
 *  proxy is another context, so that nothing of it goes the old way. */
export const contextKey = ({ key, proxyUrl = '' }: CookieAccount): string => `${key} ${proxyUrl}`
