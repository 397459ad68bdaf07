import ipaddr from 'ipaddr.js'
import type { Config } from '../../config.ts'
import { ServiceError } from '../../core/errors.ts'
import { createKeyCheck } from '../api-key.ts'
import type { AppServices } from '../app-services.ts'
import type { RequestContext } from '../request-state.ts'

/** Prometheus text. It names accounts, so where a key is set it takes one of API_SECRET or ADMIN_SECRET; a scraper on this very
 *  machine needs none.
 *  @throws {ServiceError} `invalid_api_key` */
export function createMetricsHandler(
  { apiSecrets, adminSecrets }: Pick<Config, 'apiSecrets' | 'adminSecrets'>,
  { metrics: { registry } }: Pick<AppServices, 'metrics'>,
) {
  const hasKey = createKeyCheck([...apiSecrets, ...adminSecrets])
  return async (context: RequestContext): Promise<void> => {
    if (!isLocal(context) && !hasKey(context)) throw new ServiceError('invalid_api_key')
    context.type = registry.contentType
    context.body = await registry.metrics()
  }
}

/** A request that a proxy on this machine passed on is not local. */
function isLocal(context: RequestContext): boolean {
  const { clientAddress } = context.state
  if (context.get('x-forwarded-for') || context.get('forwarded')) return false
  return ipaddr.isValid(clientAddress) && ipaddr.parse(clientAddress).range() === 'loopback'
}
