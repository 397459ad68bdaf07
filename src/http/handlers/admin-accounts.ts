import type { Config } from '../../config.ts'
import { InvalidRequestError } from '../../core/errors.ts'
import {
  encodeAccount,
  encodeAccountList,
  encodeAdded,
  parseAccountChange,
  parseAccounts,
} from '../../dialects/admin.ts'
import type { AppServices } from '../app-services.ts'
import { readBody } from '../read-body.ts'
import { readJson } from '../read-json.ts'
import type { RequestContext } from '../request-state.ts'

/** What a route hands on of `/admin/accounts/:id`. */
type AccountContext = RequestContext & { readonly params: { readonly id?: string } }

export function createAdminAccountsHandlers(
  { baseUrl, maxBodyBytes }: Pick<Config, 'baseUrl' | 'maxBodyBytes'>,
  { accountAdmin }: Pick<AppServices, 'accountAdmin'>,
) {
  const { hostname } = new URL(baseUrl)

  return {
    async list(context: RequestContext): Promise<void> {
      context.body = encodeAccountList(await accountAdmin.list())
    },

    async add(context: RequestContext): Promise<void> {
      const body = isText(context) ? await readText(context) : await readJson(context, maxBodyBytes)
      const { accounts, notices } = parseAccounts(body, hostname)
      const added = await accountAdmin.add(accounts)
      context.status = added.some(({ isNew }) => isNew) ? 201 : 200
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
