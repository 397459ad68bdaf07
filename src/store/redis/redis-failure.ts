import { UnavailableError } from '../../core/errors.ts'

/** Redis is there and answered that it will not do this: it is full, the disk is, a right is missing. Says nothing about other commands. */
export class RedisRefusal extends UnavailableError {}

/** The public error for any failure of Redis or the way to it. The cause keeps only the message: the client's own errors carry
 *  the command with its arguments, secrets among them. */
export function redisFailure(cause: unknown): UnavailableError {
  const reason = redisReason(cause)
  const isRefusal = cause instanceof Error && cause.name === 'ReplyError' && !servesNobody.test(reason)
  const Failure = isRefusal ? RedisRefusal : UnavailableError
  return new Failure('dependency_unavailable', {
    message: 'Redis, which holds what the replicas share, cannot be used now.',
    cause: new Error(reason),
  })
}

/** For a journal: Redis refused this one entry, or cannot be reached. */
export const blame = (error: unknown): 'entry' | 'way' => (error instanceof RedisRefusal ? 'entry' : 'way')

/** Redis will never serve these settings, however long one waits. In words that name no secret. */
export class RedisSettingsError extends Error {
  override name = 'RedisSettingsError'
}

/** @returns what is wrong with REDIS_URL, where the failure says that it is @param database  that it names */
export function redisSettingsError(error: unknown, database: number): RedisSettingsError | undefined {
  const reason = redisReason(error instanceof UnavailableError ? error.cause : error)
  if (/DB index is out of range|SELECT is not allowed in cluster mode/i.test(reason))
    return new RedisSettingsError(
      `REDIS_URL names database ${database}, which this Redis does not have: leave the number out, or raise its setting "databases"`,
    )
  return undefined
}

/** Answers that come to every command: it loads its data, follows another, wants a password. */
const servesNobody = /^(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|NOAUTH|WRONGPASS|UNBLOCKED)\b/

/** In words, without secrets. */
export function redisReason(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  // Of a cluster whose nodes all fail.
  const last = 'lastNodeError' in cause && cause.lastNodeError instanceof Error ? cause.lastNodeError : cause
  return last.message || ('code' in last ? String(last.code) : last.name)
}
