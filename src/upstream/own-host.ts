import { isIP } from 'node:net'

/** Is it a URL of the site itself, which may see an account's cookie? Its own host or one under its domain, never over a
 *  connection less safe. */
export function isOwnHost({ protocol, host, hostname, port }: URL, baseUrl: string): boolean {
  const base = new URL(baseUrl)
  if (protocol !== base.protocol) return false
  if (host === base.host) return true
  const domain = base.hostname.replace(/^www\./, '')
  if (isIP(domain) !== 0 || !domain.includes('.') || port !== base.port) return false
  return hostname === domain || hostname.endsWith(`.${domain}`)
}
