import type { ServiceError } from '../core/errors.ts'

/** SDKs obey `Retry-After` without a cap: a longer wait is told as "do not retry" (CLIENTS rule 6). */
const maxRetryAfterSeconds = 60

export function retryHeaders({ retryAfterMs, retryable }: ServiceError): Record<string, string> {
  const headers: Record<string, string> = {}
  const seconds = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000)
  if (seconds !== undefined)
    headers['Retry-After'] = String(Math.min(Math.max(seconds, 1), maxRetryAfterSeconds))
  if (retryable === false || (seconds ?? 0) > maxRetryAfterSeconds) headers['x-should-retry'] = 'false'
  return headers
}
