import { tokenUnavailable } from './token-unavailable.ts'

/** A proxy as Playwright takes it. */
export interface BrowserProxy {
  readonly server: string
  readonly username?: string
  readonly password?: string
}

/** @param source  where the URL stands, for the operator: `PROXY_URL`
 *  @throws {UnavailableError} `token_unavailable` for a SOCKS proxy with a password: Chromium cannot sign in to one */
export function parseBrowserProxy(proxyUrl: string, source: string): BrowserProxy {
  const url = new URL(proxyUrl)
  const isSocks = url.protocol.startsWith('socks')
  // Chromium has a SOCKS proxy resolve names anyway and does not know the name `socks5h`.
  const server = `${isSocks ? 'socks5:' : url.protocol}//${url.host}`
  if (!url.username && !url.password) return { server }
  if (isSocks) {
    throw tokenUnavailable(
      `Chromium cannot sign in to the SOCKS proxy of ${source}: use one without password, an http proxy, or RECAPTCHA_PROXY_URL`,
      { retryable: false },
    )
  }
  return { server, username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
}
