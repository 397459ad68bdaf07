import type { Config } from '../../config.ts'
import { ServiceError } from '../../core/errors.ts'
import type { AppServices } from '../app-services.ts'
import type { Guesses } from '../guesses.ts'
import { givenKeys, type Keys } from '../keys.ts'
import type { Readiness } from '../readiness.ts'
import type { RequestContext } from '../request-state.ts'
import { sendJson } from '../send-json.ts'

/** The process answers: nothing else is asked, so that a sick dependency does not get it killed. */
export function livez(context: RequestContext): void {
  sendJson(context, { live: true })
}

/** 200 or 503, and each part by name. Whoever asks meanwhile gets the same answer: no key and no limit stand before what may ask
 *  Redis. Where a key is asked for, the accounts are named to those alone who send one. */
export function createReadyzHandler(
  { apiSecrets }: Pick<Config, 'apiSecrets'>,
  keys: Keys,
  guesses: Guesses,
  { readiness, namedKeys }: Pick<AppServices, 'readiness' | 'namedKeys'>,
) {
  let asking: ReturnType<typeof readiness> | undefined
  return async (context: RequestContext): Promise<void> => {
    asking ??= readiness().finally(() => {
      asking = undefined
    })
    const answer = await asking
    sendJson(context, (await mayName(context)) ? answer : withoutLabels(answer), answer.ready ? 200 : 503)
  }

  async function mayName(context: RequestContext): Promise<boolean> {
    // While nobody can know whether keys were made, they may have been.
    if (apiSecrets.length === 0 && !namedKeys.isLoaded) await namedKeys.load().catch(() => {})
    if (apiSecrets.length === 0 && namedKeys.isLoaded && !namedKeys.everMade) return true
    if (givenKeys(context).length === 0) return false
    const mayRead = () => keys.clientOf(context) !== undefined || keys.isOperator(context)
    // Who has guessed too often is told no more than a stranger: a probe must not fail for it.
    return await guesses.allow(context, mayRead).catch(() => false)
  }
}

function withoutLabels(answer: Readiness): Readiness {
  const accounts = Object.entries(answer.parts.accounts ?? { ok: true }).map(([field, value]) => [
    field,
    Array.isArray(value) ? value.map(({ account: _, ...rest }) => rest) : value,
  ])
  return { ...answer, parts: { ...answer.parts, accounts: Object.fromEntries(accounts) } }
}

/** Prometheus text. It names accounts, so it takes a key: the operator's, or one of API_SECRET. A connection from this very machine
 *  proves nothing: a reverse proxy here makes it for anybody.
 *  @throws {ServiceError} `invalid_api_key`, `rate_limit_exceeded` */
export function createMetricsHandler(
  keys: Keys,
  guesses: Guesses,
  { metrics: { registry } }: Pick<AppServices, 'metrics'>,
) {
  return async (context: RequestContext): Promise<void> => {
    const mayRead = () => keys.clientOf(context) !== undefined || keys.isOperator(context)
    if (!(await guesses.allow(context, mayRead)))
      throw new ServiceError('invalid_api_key', { message: takesKey })
    context.type = registry.contentType
    context.body = await registry.metrics()
  }
}

const takesKey =
  'This takes the key of the operator, or one of API_SECRET, as "Authorization: Bearer KEY" or "x-api-key: KEY".'
