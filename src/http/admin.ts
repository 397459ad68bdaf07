import Router, { type RouterMiddleware } from '@koa/router'
import type { Config } from '../config.ts'
import { InvalidRequestError, ServiceError } from '../core/errors.ts'
import {
  encodeAccount,
  encodeAccountList,
  encodeAdded,
  encodeLogin,
  encodeUsageCounts,
  parseAccountChange,
  parseAccounts,
  parseUsageRange,
} from '../dialects/admin.ts'
import type { AppServices } from './app-services.ts'
import { isUnder } from './cors.ts'
import type { Guesses } from './guesses.ts'
import type { Keys } from './keys.ts'
import { readBody, readJson } from './read-body.ts'
import type { Middleware, RequestContext, RequestState } from './request-state.ts'
import { refuseUnmatched } from './routes.ts'

/** Everything under `/admin`: behind a check of its own, and never passed on to the public routes. */
export function createAdminRoutes(
  config: Config,
  services: AppServices,
  keys: Keys,
  guesses: Guesses,
): Middleware {
  const base = `${config.routePrefix}/admin`
  const router = new Router<RequestState>()
  const accounts = createAccountHandlers(config, services)
  const add = (
    method: 'get' | 'post' | 'patch' | 'delete',
    path: string,
    handler: RouterMiddleware<RequestState>,
  ) => router[method](`/admin${path}`, base + path, handler)

  add('get', '/accounts', accounts.list)
  add('post', '/accounts', accounts.add)
  add('post', '/accounts/login', accounts.beginLogin)
  add('get', '/accounts/login/:id', accounts.readLogin)
  add('delete', '/accounts/login/:id', accounts.cancelLogin)
  add('patch', '/accounts/:id', accounts.change)
  add('delete', '/accounts/:id', accounts.remove)
  add('post', '/accounts/:id/check', accounts.check)
  add('get', '/usage', createUsageHandler(services))

  const routes = router.routes() as Middleware
  const refuse = refuseUnmatched
  return async (context, next) => {
    if (!isUnder(context.path, base)) return next()
    context.set('Cache-Control', 'no-store')
    await requireOperator(context, keys, guesses)
    return routes(context, async () => refuse(context, next))
  }
}

/** Lets the operator through alone, on whatever way the request came.
 *  @throws {ServiceError} `invalid_api_key`, `rate_limit_exceeded` */
async function requireOperator(context: RequestContext, keys: Keys, guesses: Guesses): Promise<void> {
  const mayEnter = () => keys.isOperator(context)
  if (!(await guesses.allow(context, mayEnter)))
    throw new ServiceError('invalid_api_key', { message: takesKey })
}

const takesKey =
  'This takes the key of the operator, as "Authorization: Bearer KEY" or "x-api-key: KEY": one of ADMIN_SECRET, else the key written to standard error at the first start, or made by `genspark2api admin-key`.'

/** What the router adds for `/admin/accounts/:id`. */
type AccountContext = RequestContext & { readonly params: { readonly id?: string } }

function createAccountHandlers(
  { baseUrl, maxBodyBytes }: Pick<Config, 'baseUrl' | 'maxBodyBytes'>,
  { accountAdmin, deviceLogins, quota }: Pick<AppServices, 'accountAdmin' | 'deviceLogins' | 'quota'>,
) {
  const { hostname } = new URL(baseUrl)

  return {
    async list(context: RequestContext): Promise<void> {
      // What is left of each is asked behind this answer, and stands in the next.
      void quota()
      context.body = encodeAccountList(await accountAdmin.list())
    },

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

function createUsageHandler({ usage, clock }: Pick<AppServices, 'usage' | 'clock'>) {
  return async (context: RequestContext): Promise<void> => {
    const range = parseUsageRange(context.query, clock.now())
    context.body = encodeUsageCounts(range, await usage(range.sinceMs, range.untilMs))
  }
}
