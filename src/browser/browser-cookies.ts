/** A cookie as Playwright's `addCookies` takes it, host-only. */
export interface BrowserCookie {
  readonly name: string
  readonly value: string
  readonly domain: string
  readonly path: '/'
  readonly secure: boolean
}

/** Turns a `Cookie` header into the cookies of a browser context, values untouched. */
export function parseBrowserCookies(header: string, baseUrl: string): BrowserCookie[] {
  const { hostname, protocol } = new URL(baseUrl)
  return header.split(';').flatMap((pair) => {
    const separator = pair.indexOf('=')
    if (separator < 0) return []
    const name = pair.slice(0, separator).trim()
    const value = pair.slice(separator + 1).trim()
    // Browsers refuse the two prefixed names without the flag, and send it over http to loopback all the same.
    const secure = protocol === 'https:' || /^__(Secure|Host)-/i.test(name)
    return [{ name, value, domain: hostname, path: '/', secure }]
  })
}
