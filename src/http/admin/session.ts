import { z } from 'zod'
import type { Config } from '../../config.ts'
import { ServiceError } from '../../core/errors.ts'
import { checkShape } from '../../dialects/check-shape.ts'
import type { AppServices } from '../app-services.ts'
import type { Guesses } from '../guesses.ts'
import type { ConsoleSession, Keys } from '../keys.ts'
import { isOwnAddress, isReachedByHttps } from '../own-origin.ts'
import { readJson } from '../read-body.ts'
import type { RequestContext } from '../request-state.ts'

/** The operator's session in a browser: a cookie in the place of the key, which no script can read and no other site can use. */
export interface Session extends ConsoleSession {
  /** Whether the request bears a session that may do this; renews one that has been used for a while.
   *  @throws {ServiceError} `origin_not_allowed`: it does, but the page is not ours */
  isOperator(context: RequestContext): boolean | Promise<boolean>
}

export type SessionOptions = Pick<Config, 'routePrefix' | 'publicUrl' | 'trustedProxyHops' | 'maxBodyBytes'>
type SessionServices = Pick<AppServices, 'operatorSessions' | 'clock'>

const lifeMs = 12 * 60 * 60 * 1000
/** A session that is older is prolonged when it is used. */
const freshMs = 5 * 60 * 1000

const cookieName = 'g2a'
const cookiePattern = /(?:^|;\s*)g2a=(\d{1,15})\.([\w-]{43})(?:;|$)/

export function createSession(
  options: SessionOptions,
  { operatorSessions, clock }: SessionServices,
): Session & SessionCookies {
  async function isSignedIn(context: RequestContext): Promise<boolean> {
    const [, untilText, signature] = cookiePattern.exec(context.get('cookie')) ?? []
    if (untilText === undefined || signature === undefined) return false
    const untilMs = Number(untilText)
    const leftMs = untilMs - clock.now()
    // An end beyond what we give was not given by us, or the clock was set back.
    if (leftMs <= 0 || leftMs > lifeMs + freshMs) return false
    if (!(await operatorSessions.isSigned(untilText, signature))) return false
    if (leftMs < lifeMs - freshMs) await begin(context)
    return true
  }

  async function begin(context: RequestContext): Promise<number> {
    const untilMs = clock.now() + lifeMs
    setCookie(context, `${untilMs}.${await operatorSessions.sign(String(untilMs))}`, lifeMs / 1000)
    return untilMs
  }

  function setCookie(context: RequestContext, value: string, seconds: number): void {
    const secure = isReachedByHttps(context, options) ? '; Secure' : ''
    const path = `${options.routePrefix}/`
    context.append(
      'Set-Cookie',
      `${cookieName}=${value}; Max-Age=${seconds}; Path=${path}; HttpOnly; SameSite=Strict${secure}`,
    )
  }

  /** @throws {ServiceError} `origin_not_allowed` */
  function requireOwnPage(context: RequestContext): void {
    if (context.get('x-console') !== '1' || !comesFromOwnPage(context, options))
      throw new ServiceError('origin_not_allowed', { message: notOwnPage })
  }

  return {
    isOperator(context) {
      if (!hasCookie(context)) return false
      return isSignedIn(context).then((is) => {
        if (is && !isRead(context)) requireOwnPage(context)
        return is
      })
    },
    isConsole(context) {
      if (context.get('x-console') !== '1' || !hasCookie(context)) return false
      return isSignedIn(context).then((is) => {
        if (is) requireOwnPage(context)
        return is
      })
    },
    begin,
    end: (context) => setCookie(context, '', 0),
    refuseStrangers(context) {
      if (!comesFromOwnPage(context, options) && (context.get('origin') || context.get('sec-fetch-site')))
        throw new ServiceError('origin_not_allowed', { message: notOwnPage })
    },
  }
}

export interface SessionCookies {
  /** @returns until when, in epoch ms */
  begin(context: RequestContext): Promise<number>
  end(context: RequestContext): void
  /** A page of another site signs nobody in. @throws {ServiceError} `origin_not_allowed` */
  refuseStrangers(context: RequestContext): void
}

const hasCookie = (context: RequestContext): boolean =>
  context.req.headers.cookie?.includes(`${cookieName}=`) === true

const isRead = ({ method }: RequestContext): boolean => method === 'GET' || method === 'HEAD'

/** Browsers send `Origin` with every write; `Sec-Fetch-Site` where the connection is safe from others. */
function comesFromOwnPage(context: RequestContext, options: SessionOptions): boolean {
  const { origin, 'sec-fetch-site': site } = context.req.headers
  if (site !== undefined && site !== 'same-origin') return false
  return origin === undefined ? isRead(context) : isOwnAddress(origin, context, options)
}

const notOwnPage =
  'The session of the console takes requests of its own pages alone. Behind a proxy that changes the Host header, set PUBLIC_URL to the address in the browser.'

const signInSchema = z.strictObject({ secret: z.string().min(1).max(4096) })

/** Signing in and out. */
export function createSessionHandlers(
  options: SessionOptions,
  { operatorSessions }: SessionServices,
  { session, keys, guesses }: { session: SessionCookies; keys: Keys; guesses: Guesses },
) {
  return {
    async begin(context: RequestContext): Promise<void> {
      session.refuseStrangers(context)
      const { secret } = checkShape(signInSchema, await readJson(context, options.maxBodyBytes))
      if (!(await guesses.allow(context, () => keys.isOperatorsKey(secret), [secret])))
        throw new ServiceError('invalid_api_key', { message: wrongSecret, retryable: false })
      const untilMs = await session.begin(context)
      context.status = 201
      context.body = { object: 'session', expires_at: new Date(untilMs).toISOString() }
    },

    /** `?everywhere=true` ends the sessions in all browsers. */
    async end(context: RequestContext): Promise<void> {
      const everywhere = context.query.everywhere === 'true'
      if (everywhere) await operatorSessions.endAll()
      session.end(context)
      context.body = { object: 'session', deleted: true, everywhere }
    },
  }
}

const wrongSecret =
  'This is not the key of the operator: one of ADMIN_SECRET, else the key written to standard error at the first start, or made by `genspark2api admin-key`.'
