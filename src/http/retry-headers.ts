import { maxRetryAfterSeconds, retryAfterSeconds, type ServiceError } from '../core/errors.ts'

/** A longer wait than `Retry-After` may say is told as "do not retry". */
export function retryHeaders(error: ServiceError): Record<string, string> {
  const { retryAfterMs, retryable } = error
  const headers: Record<string, string> = {}
  const seconds = retryAfterSeconds(error)
  if (seconds !== undefined) headers['Retry-After'] = String(seconds)
  if (retryable === false || (retryAfterMs ?? 0) > maxRetryAfterSeconds * 1000)
    headers['x-should-retry'] = 'false'
  return headers
}
