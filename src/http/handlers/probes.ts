import type { Config } from '../../config.ts'
import { ServiceError } from '../../core/errors.ts'
import type { AppServices } from '../app-services.ts'
import { isLocal } from '../client-address.ts'
import { createKeyCheck } from '../keys.ts'
import { type RequestContext, sendJson } from '../request-state.ts'

/** Claude Code sends `HEAD /` at its start and waits for any answer. */
export function home(context: RequestContext): void {
  sendJson(context, { name: 'genspark2api' })
}

/** The process answers: nothing else is asked, so that a sick dependency does not get it killed. */
export function livez(context: RequestContext): void {
  sendJson(context, { live: true })
}

/** 200 or 503, and each part by name. */
export function createReadyzHandler({ readiness }: Pick<AppServices, 'readiness'>) {
  return async (context: RequestContext): Promise<void> => {
    const answer = await readiness()
    sendJson(context, answer, answer.ready ? 200 : 503)
  }
}

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
