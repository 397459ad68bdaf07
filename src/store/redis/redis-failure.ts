import { UnavailableError } from '../../core/errors.ts'

/** The public error for whatever Redis or the way to it did. The cause keeps the words alone: the client's own errors carry
 *  the command with its arguments, secrets among them. */
export function redisFailure(cause: unknown): UnavailableError {
  return new UnavailableError('dependency_unavailable', {
    message: 'Redis, which holds what the replicas share, cannot be used now.',
    cause: new Error(redisReason(cause)),
  })
}

/** In words, without secrets. */
export function redisReason(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  // Of a cluster whose nodes all fail.
  const last = 'lastNodeError' in cause && cause.lastNodeError instanceof Error ? cause.lastNodeError : cause
  return last.message || ('code' in last ? String(last.code) : last.name)
}
