import { UnavailableError } from '../../core/errors.ts'

/** While Redis is away; it is looked for each second. */
export const awayError = (): UnavailableError =>
  new UnavailableError('dependency_unavailable', {
    message: 'Redis, where the replicas keep what they share, is away.',
    retryAfterMs: 1000,
  })
