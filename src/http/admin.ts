import Router, { type RouterMiddleware } from '@koa/router'
import type { Config } from '../config.ts'
import { InvalidRequestError, ServiceError } from '../core/errors.ts'
import {
  encodeAccount,
  encodeAdded,
  encodeLogin,
  encodeUsageCounts,
  parseAccountChange,
  parseAccounts,
  parseUsageRange,
} from '../dialects/admin.ts'
import { createAccountListHandlers } from './admin/accounts.ts'
import { createEventsHandler } from './admin/events.ts'
import { createKeyHandlers } from './admin/keys.ts'
import { createOverviewHandlers } from './admin/overview.ts'
import { createRequestHandlers } from './admin/requests.ts'
import { createSessionHandlers, type Session, type SessionCookies } from './admin/session.ts'
import type { AppServices } from './app-services.ts'
import { isUnder } from './cors.ts'
import type { Guesses } from './guesses.ts'
import { type Keys, labelOf } from './keys.ts'
import { limitRate } from './limit-rate.ts'
import { readBody, readJson } from './read-body.ts'
import type { Middleware, RequestContext, RequestState } from './request-state.ts'
import { refuseUnmatched } from './routes.ts'

/** What the app makes for the operator's routes. */
export interface AdminServices extends AppServices {
  readonly session: Session & SessionCookies
  readonly keys: Keys
  readonly guesses: Guesses
}

/** Of each address. The clients' own limit does not count here: a console that looks on would lock its operator out. */
const requestsPerMinute = 600

/** Everything under `/admin`: behind a check of its own, and never passed on to the public routes. */
export function createAdminRoutes(config: Config, services: AdminServices): Middleware {
  const base = `${config.routePrefix}/admin`
  const limit = limitRate(requestsPerMinute, services.sharedLimit, 'admin-rate-limit')
  const routes = createAdminRouter(config, services).routes() as Middleware
  const refuse = refuseUnmatched
  return (context, next) => {
    if (!isUnder(context.path, base)) return next()
    return limit(context, async () => {
      context.set('Cache-Control', 'no-store')
      const isSignIn = context.method === 'POST' && context.path === `${base}/session`
      if (!isSignIn) await requireOperator(context, services)
      return routes(context, async () => refuse(context, next))
    })
  }
}

/** The operator's routes, as a table. */
export function createAdminRouter(config: Config, services: AdminServices): Router<RequestState> {
  const base = `${config.routePrefix}/admin`
  const router = new Router<RequestState>()
  const sessions = createSessionHandlers(config, services, services)
  const accounts = createAccountHandlers(config, services)
  const accountList = createAccountListHandlers(config, services)
  const requests = createRequestHandlers(services)
  const clientKeys = createKeyHandlers(config, services)
  const overview = createOverviewHandlers(services)
  const add = (
    method: 'get' | 'post' | 'patch' | 'delete',
    path: string,
    handler: RouterMiddleware<RequestState>,
  ) => router[method](`/admin${path}`, base + path, handler)

  add('post', '/session', sessions.begin)
  add('delete', '/session', sessions.end)
  add('get', '/accounts', accountList.list)
  add('post', '/accounts/bulk', accountList.beginBulk)
  add('get', '/tasks/:id', accountList.readTask)
  add('delete', '/tasks/:id', accountList.cancelTask)
  add('post', '/accounts', accounts.add)
  add('post', '/accounts/login', accounts.beginLogin)
  add('get', '/accounts/login/:id', accounts.readLogin)
  add('delete', '/accounts/login/:id', accounts.cancelLogin)
  add('get', '/accounts/:id', accountList.retrieve)
  add('patch', '/accounts/:id', accounts.change)
  add('delete', '/accounts/:id', accounts.remove)
  add('post', '/accounts/:id/check', accounts.check)
  add('get', '/usage', createUsageHandler(config, services))
  add('get', '/keys', clientKeys.list)
  add('post', '/keys', clientKeys.make)
  add('patch', '/keys/:id', clientKeys.change)
  add('delete', '/keys/:id', clientKeys.remove)
  add('get', '/overview', overview.overview)
  add('get', '/series', overview.series)
  add('get', '/events', createEventsHandler(services, overview.read))
  add('get', '/requests', requests.list)
  add('get', '/requests/:id', requests.retrieve)
  return router
}

/** Lets the operator through alone, on whatever way the request came.
 *  @throws {ServiceError} `invalid_api_key`, `rate_limit_exceeded` */
async function requireOperator(
  context: RequestContext,
  { keys, guesses, session }: AdminServices,
): Promise<void> {
  const mayEnter = async () => (await keys.isOperator(context)) || (await session.isOperator(context))
  if (!(await guesses.allow(context, mayEnter)))
    throw new ServiceError('invalid_api_key', { message: takesKey })
}

const takesKey =
  'This takes the key of the operator, as "Authorization: Bearer KEY" or "x-api-key: KEY": one of ADMIN_SECRET, else the key written to standard error at the first start, or made by `genspark2api admin-key`.'

/** What the router adds for `/admin/accounts/:id`. */
type AccountContext = RequestContext & { readonly params: { readonly id?: string } }

function createAccountHandlers(
  { baseUrl, maxBodyBytes }: Pick<Config, 'baseUrl' | 'maxBodyBytes'>,
  { accountAdmin, deviceLogins }: Pick<AppServices, 'accountAdmin' | 'deviceLogins'>,
) {
  const { hostname } = new URL(baseUrl)

  return {
    async add(context: RequestContext): Promise<void> {
      const body = isText(context) ? await readText(context) : await readJson(context, maxBodyBytes)
      const { accounts, notices } = parseAccounts(body, hostname)
      const added = await accountAdmin.add(accounts)
      context.status = added.some(({ outcome }) => outcome !== 'already-there') ? 201 : 200
      context.body = encodeAdded(added, notices)
    },

    async change(context: AccountContext): Promise<void> {
      const change = parseAccountChange(await readJson(context, maxBodyBytes), hostname)
      context.body = encodeAccount(await accountAdmin.change(idOf(context), change))
    },

    async remove(context: AccountContext): Promise<void> {
      await accountAdmin.remove(idOf(context))
      context.body = { object: 'account', id: idOf(context), deleted: true }
    },

    async beginLogin(context: RequestContext): Promise<void> {
      if (!deviceLogins) throw new InvalidRequestError('not_found')
      context.status = 202
      context.body = encodeLogin(await deviceLogins.begin(context.state.signal))
    },

    async readLogin(context: AccountContext): Promise<void> {
      if (!deviceLogins) throw new InvalidRequestError('not_found')
      context.body = encodeLogin(deviceLogins.read(idOf(context)))
    },

    async cancelLogin(context: AccountContext): Promise<void> {
      if (!deviceLogins) throw new InvalidRequestError('not_found')
      deviceLogins.cancel(idOf(context))
      context.body = { object: 'login', id: idOf(context), deleted: true }
    },

    async check(context: AccountContext): Promise<void> {
      context.body = encodeAccount(await accountAdmin.check(idOf(context), context.state.signal))
    },
  }

  async function readText(context: RequestContext): Promise<string> {
    const bytes = await readBody(context, maxBodyBytes, 'invalid_value')
    if (bytes.length === 0) throw new InvalidRequestError('invalid_value', { message: 'The body is empty.' })
    return bytes.toString('utf8')
  }
}

const isText = (context: RequestContext): boolean => /^text\/plain\b/i.test(context.get('content-type'))

const idOf = ({ params }: AccountContext): string => params.id ?? ''

function createUsageHandler(
  config: Pick<Config, 'apiSecrets'>,
  { usage, clock, namedKeys }: Pick<AppServices, 'usage' | 'clock' | 'namedKeys'>,
) {
  const ofSettings = new Map(
    config.apiSecrets.map((key, index) => [labelOf(key), `API_SECRET #${index + 1}`]),
  )
  const nameOf = (caller: string) =>
    namedKeys.byId(caller)?.name ?? ofSettings.get(caller) ?? (caller === labelOf('') ? 'no key' : undefined)
  return async (context: RequestContext): Promise<void> => {
    const range = parseUsageRange(context.query, clock.now())
    context.body = encodeUsageCounts(range, await usage(range.sinceMs, range.untilMs), nameOf)
  }
}
