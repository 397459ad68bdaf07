import { createHash } from 'node:crypto'
import { parseProxyUrl } from '../../accounts/parse-api-key.ts'
import type { Config } from '../../config.ts'
import { InvalidRequestError } from '../../core/errors.ts'
import { encodeAccount, encodeAccountList } from '../../dialects/admin.ts'
import {
  type BulkRequest,
  encodeAccountPage,
  filterAccounts,
  parseAccountQuery,
  parseBulk,
  viewStateOf,
} from '../../dialects/admin-accounts.ts'
import { encodeRequest } from '../../dialects/admin-requests.ts'
import type { AppServices } from '../app-services.ts'
import { readJson } from '../read-body.ts'
import type { RequestContext } from '../request-state.ts'
import type { AdminContext } from './context.ts'
import { createTasks, encodeTask } from './tasks.ts'

/** The site is asked for one account a second. */
const checkPauseMs = 1000
const checksAtOnce = 4
/** Of the last requests of one account. */
const shownRequests = 20

/** The accounts as a list in pages, each with its details, and what is done to many of them. */
export function createAccountListHandlers(
  { maxBodyBytes }: Pick<Config, 'maxBodyBytes'>,
  {
    accountAdmin,
    records,
    shutdown,
    quota,
  }: Pick<AppServices, 'accountAdmin' | 'records' | 'shutdown' | 'quota'>,
) {
  const tasks = createTasks(shutdown)

  function actionOf({ action, proxy_url, label }: BulkRequest) {
    const proxyUrl = proxy_url ? parseProxyUrl(proxy_url, 'proxy_url') : proxy_url
    return (id: string, signal: AbortSignal): Promise<unknown> => {
      if (action === 'check') return accountAdmin.check(id, signal)
      if (action === 'remove') return accountAdmin.remove(id)
      if (action === 'label') return accountAdmin.change(id, { note: label })
      if (action === 'set-proxy') return accountAdmin.change(id, { proxyUrl })
      return accountAdmin.change(id, { paused: action === 'pause' })
    }
  }

  return {
    /** All of them without parameters, as before there were pages. */
    async list(context: RequestContext): Promise<void> {
      // What is left of each is asked behind this answer, and stands in the next.
      void quota()
      const views = await accountAdmin.list()
      const isPaged = Object.keys(context.query).length > 0
      const body = isPaged
        ? encodeAccountPage(views, parseAccountQuery(context.query))
        : encodeAccountList(views)
      const text = JSON.stringify(body)
      context.status = 200
      context.type = 'json'
      context.etag = createHash('sha256').update(text).digest('base64url').slice(0, 22)
      // Not `context.fresh`: a page that asks with a tag of its own is sent `Cache-Control: no-cache` along by the browser.
      if (context.get('if-none-match').includes(context.response.get('etag'))) context.status = 304
      else context.body = text
    },

    async retrieve(context: AdminContext): Promise<void> {
      const { id = '' } = context.params
      const view = (await accountAdmin.list()).find((each) => each.id === id)
      if (!view) throw new InvalidRequestError('not_found', { message: 'There is no account with this id.' })
      const page = await records?.page({ account: id.slice(0, labelLength), limit: shownRequests })
      const last = page?.records ?? []
      const failed = last.find(({ attempts }) =>
        attempts.some(({ account, outcome }) => id.startsWith(account) && outcome !== 'begun'),
      )
      context.body = {
        ...encodeAccount(view),
        doing: viewStateOf(view),
        last_used_at: last[0] ? new Date(last[0].startedMs).toISOString() : null,
        last_failure: failed ? encodeRequest(failed) : null,
        requests: last.map(encodeRequest),
      }
    },

    async beginBulk(context: RequestContext): Promise<void> {
      const bulk = parseBulk(await readJson(context, maxBodyBytes))
      const ids = bulk.ids ?? filterAccounts(await accountAdmin.list(), bulk.filter ?? {}).map(({ id }) => id)
      const act = actionOf(bulk)
      const isCheck = bulk.action === 'check'
      const pace = isCheck ? { pauseMs: checkPauseMs, atOnce: checksAtOnce } : { pauseMs: 0, atOnce: 1 }
      context.status = 202
      context.body = encodeTask(tasks.begin({ action: bulk.action, ids: [...new Set(ids)], act, ...pace }))
    },

    async readTask(context: AdminContext): Promise<void> {
      context.body = encodeTask(tasks.read(context.params.id ?? ''))
    },

    async cancelTask(context: AdminContext): Promise<void> {
      context.body = encodeTask(tasks.cancel(context.params.id ?? ''))
    },
  }
}

/** Records know an account by its short label. */
const labelLength = 'acc_'.length + 8
