import type { Config } from '../../config.ts'
import { ServiceError } from '../../core/errors.ts'
import { createKeyCheck } from '../api-key.ts'
import { isLocal, isOwnPageOrNone } from '../client-address.ts'
import type { RequestContext } from '../request-state.ts'

/** Lets the operator through alone: by ADMIN_SECRET, else by API_SECRET; with neither set, from this machine only.
 *  @throws {ServiceError} `invalid_api_key` */
export function createAdminGuard({
  adminSecrets,
  apiSecrets,
}: Pick<Config, 'adminSecrets' | 'apiSecrets'>): (context: RequestContext) => void {
  const secrets = adminSecrets.length > 0 ? adminSecrets : apiSecrets
  const setting = adminSecrets.length > 0 ? 'ADMIN_SECRET' : 'API_SECRET'
  const hasKey = createKeyCheck(secrets)
  return (context) => {
    if (secrets.length === 0) {
      if (isLocal(context) && isOwnPageOrNone(context)) return
      throw new ServiceError('invalid_api_key', { message: noSecret })
    }
    if (hasKey(context)) return
    throw new ServiceError('invalid_api_key', {
      message: `This takes one of the keys in ${setting}, as "Authorization: Bearer KEY" or "x-api-key: KEY".`,
    })
  }
}

const noSecret = 'Without ADMIN_SECRET and API_SECRET this answers only on the machine that it runs on.'
