import type { Config } from '../../config.ts'
import { ServiceError } from '../../core/errors.ts'
import { createKeyCheck } from '../api-key.ts'
import type { AppServices } from '../app-services.ts'
import { isLocal } from '../client-address.ts'
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
