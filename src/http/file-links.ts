import { createHmac, hkdfSync, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Config } from '../config.ts'
import type { Clock } from '../core/clock.ts'
import type { MediaFile } from '../core/media-event.ts'
import type { RequestContext } from './request-state.ts'

export interface LinkedFile {
  readonly accountKey: string
  /** Of the site. */
  readonly url: string
}

export interface FileLinks {
  /** The URL under which a client loads a file: the site's own, or one of ours where that needs the cookie. */
  link(context: RequestContext, file: MediaFile, accountKey: string, kind: 'image' | 'video'): string
  /** @param name  the last part of a link's path
   *  @returns undefined when it is not ours or has expired */
  open(name: string): LinkedFile | undefined
}

export type FileLinkOptions = Pick<
  Config,
  'stateKeys' | 'apiSecrets' | 'routePrefix' | 'trustedProxyHops'
> & {
  readonly clock: Clock
}

/** Links that are their own key: they hold what they open and until when, under a signature. Replicas that share STATE_KEY or
 *  API_SECRET accept each other's. */
export function createFileLinks(options: FileLinkOptions): FileLinks {
  const { routePrefix, trustedProxyHops, clock } = options
  const [firstSecret, ...otherSecrets] = secretsOf(options)
  const signingKey = deriveKey(firstSecret)
  const keys = [signingKey, ...otherSecrets.map(deriveKey)]

  return {
    link(context, { url, needsCookie }, accountKey, kind) {
      if (!needsCookie) return url
      const expires = Math.floor((clock.now() + linkLifeMs) / 1000)
      const payload = Buffer.from(JSON.stringify([accountKey, url, expires])).toString('base64url')
      const name = `${payload}.${sign(payload, signingKey)}.${extensionOf(url, kind)}`
      return `${originOf(context, trustedProxyHops)}${routePrefix}/files/${name}`
    },
    open(name) {
      const [payload, signature] = name.split('.')
      if (!payload || !signature || !keys.some((key) => isSame(signature, sign(payload, key))))
        return undefined
      const [accountKey, url, expires] = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Payload
      return expires * 1000 > clock.now() ? { accountKey, url } : undefined
    },
  }
}

/** Account key, URL of the site, expiry in epoch seconds. */
type Payload = readonly [string, string, number]

const linkLifeMs = 60 * 60 * 1000

/** The first one signs; links signed with the others are still accepted. */
function secretsOf({ stateKeys, apiSecrets }: FileLinkOptions): readonly [Secret, ...Secret[]] {
  const [first = randomBytes(32), ...others] = stateKeys.length > 0 ? stateKeys : apiSecrets
  return [first, ...others]
}

type Secret = KeyObject | string | Buffer

const deriveKey = (secret: Secret): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'genspark2api file links', 32))

const sign = (payload: string, key: Buffer): string =>
  createHmac('sha256', key).update(payload).digest('base64url')

function isSame(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** NextChat recognises a video by the end of its URL, so there is an extension and no query string. */
function extensionOf(url: string, kind: 'image' | 'video'): string {
  const known = /\.(png|jpe?g|webp|gif|mp4|webm|mov)$/i.exec(URL.parse(url)?.pathname ?? '')?.[1]
  return known?.toLowerCase() ?? (kind === 'video' ? 'mp4' : 'png')
}

/** Our origin as the client sees it; forwarded headers count only where a proxy is trusted. */
function originOf(context: RequestContext, trustedProxyHops: number): string {
  const forwarded = context.get('x-forwarded-proto').split(',')
  const forwardedProtocol = forwarded.at(-trustedProxyHops) ?? forwarded[0]
  const protocol = trustedProxyHops > 0 && forwardedProtocol?.trim() === 'https' ? 'https' : 'http'
  const { localAddress, localPort } = context.req.socket
  const host = /^[\w.:[\]-]+$/.exec(context.get('host'))?.[0] ?? `${localAddress}:${localPort}`
  return `${protocol}://${host}`
}
