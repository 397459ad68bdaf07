import { LRUCache } from 'lru-cache'
import { ServiceError } from '../core/errors.ts'
import type { NamedKey, NamedKeys } from '../store/named-keys.ts'
import type { AppServices } from './app-services.ts'
import type { RequestContext } from './request-state.ts'

const windowMs = 60_000
const maxKeys = 10_000

interface Use {
  startedMs: number
  requests: number
  open: number
}

/** Holds named keys to their own limits, in this process.
 *  @param now  a clock that nobody can step, in ms */
export function createKeyLimit(now: () => number = () => performance.now()) {
  const uses = new LRUCache<string, Use>({ max: maxKeys })

  /** @throws {ServiceError} `rate_limit_exceeded` */
  return function enter({ id, requestsPerMinute, maxConcurrent }: NamedKey, { res }: RequestContext): void {
    if (requestsPerMinute === undefined && maxConcurrent === undefined) return
    const use = uses.get(id) ?? { startedMs: now(), requests: 0, open: 0 }
    uses.set(id, use)
    const leftMs = use.startedMs + windowMs - now()
    if (leftMs <= 0) Object.assign(use, { startedMs: now(), requests: 0 })
    if (requestsPerMinute !== undefined && use.requests >= requestsPerMinute)
      throw new ServiceError('rate_limit_exceeded', { message: tooOften, retryAfterMs: Math.max(leftMs, 1) })
    if (maxConcurrent !== undefined && use.open >= maxConcurrent)
      throw new ServiceError('rate_limit_exceeded', { message: tooMany, retryAfterMs: 1000 })
    use.requests += 1
    use.open += 1
    res.once('close', () => {
      use.open -= 1
    })
  }
}

const tooOften = 'This key may not ask more often in a minute.'
const tooMany = 'This key may not ask for more at once: wait until one of its answers has ended.'

/** What asks the site, for keys that may use some models alone: it fails with `model_not_allowed` for any other. */
export function guardModels<S extends Pick<AppServices, 'runChat' | 'runMedia' | 'videoJobs'>>(
  services: S,
  namedKeys: Pick<NamedKeys, 'byId'>,
): S {
  const { runChat, runMedia, videoJobs } = services

  function refusal(caller: string | undefined, model: string): Promise<never> | undefined {
    const models = caller === undefined ? undefined : namedKeys.byId(caller)?.models
    if (!models || models.some((each) => each.toLowerCase() === model.toLowerCase())) return undefined
    return Promise.reject(new ServiceError('model_not_allowed', { retryable: false }))
  }

  return {
    ...services,
    runChat: (chat, call) => refusal(call.caller, chat.model.id) ?? runChat(chat, call),
    runMedia: (request, call) => refusal(call.caller, request.model.id) ?? runMedia(request, call),
    videoJobs: {
      ...videoJobs,
      begin: (request, about) => refusal(about.owner, request.model.id) ?? videoJobs.begin(request, about),
    },
  }
}
