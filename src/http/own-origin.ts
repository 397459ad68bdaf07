import type { Config } from '../config.ts'
import type { RequestContext } from './request-state.ts'

type OriginOptions = Pick<Config, 'publicUrl' | 'trustedProxyHops'>

/** Our address as clients see it: PUBLIC_URL, else what a trusted proxy says of how it was reached, else `Host`.
 *  @returns without a slash at its end */
export function originOf(context: RequestContext, options: OriginOptions): string {
  return options.publicUrl ?? `${protocolOf(context, options)}://${hostOf(context, options)}`
}

/** Whether an `Origin` header is one of ours: of `Host`, which no page can choose, or of PUBLIC_URL. What a proxy forwards does not
 *  count: many hand on an `X-Forwarded-Host` that the page itself sent. */
export function isOwnOrigin(
  origin: string,
  context: RequestContext,
  { publicUrl }: Pick<OriginOptions, 'publicUrl'>,
): boolean {
  const given = URL.parse(origin)
  if (!given?.host) return false
  // Seen with the scheme of the origin, the host has or lacks its default port as that has.
  if (URL.parse(`${given.protocol}//${context.host}`)?.host === given.host) return true
  return publicUrl !== undefined && URL.parse(publicUrl)?.host === given.host
}

/** The same, also for what a trusted proxy says: for pages that hold a session, which no other page can make a browser send along. */
export function isOwnAddress(origin: string, context: RequestContext, options: OriginOptions): boolean {
  if (isOwnOrigin(origin, context, options)) return true
  const given = URL.parse(origin)
  const host = forwarded(context, 'x-forwarded-host', options)
  return given !== null && host !== '' && URL.parse(`${given.protocol}//${host}`)?.host === given.host
}

/** Whether the browser's own connection is by TLS: what a trusted proxy says, or PUBLIC_URL where it was reached under that name. */
export function isReachedByHttps(context: RequestContext, options: OriginOptions): boolean {
  if (protocolOf(context, options) === 'https') return true
  const url = options.publicUrl === undefined ? null : URL.parse(options.publicUrl)
  return url?.protocol === 'https:' && URL.parse(`https://${context.host}`)?.host === url.host
}

function protocolOf(context: RequestContext, options: OriginOptions): string {
  return forwarded(context, 'x-forwarded-proto', options) === 'https' ? 'https' : 'http'
}

function hostOf(context: RequestContext, options: OriginOptions): string {
  const { localAddress, localPort } = context.req.socket
  const hosts = [forwarded(context, 'x-forwarded-host', options), context.get('host')]
  return hosts.find((host) => /^[\w.:[\]-]+$/.test(host)) ?? `${localAddress}:${localPort}`
}

/** What the outermost trusted proxy wrote; what stands left of it may be the client's own words. */
function forwarded(context: RequestContext, name: string, { trustedProxyHops: hops }: OriginOptions): string {
  if (hops === 0) return ''
  const values = context.get(name).split(',')
  return (values.at(-hops) ?? values[0] ?? '').trim()
}
