import type { ZodType } from 'zod'
import { InvalidRequestError } from '../core/errors.ts'

/** Parses a part of a request body. The error names the place of the first fault in the client's own notation, and never
 *  its value.
 *  @param at  where `value` stands in the body, e.g. `messages[2]`; empty for the body itself
 *  @throws {InvalidRequestError} `invalid_value` */
export function checkShape<T>(schema: ZodType<T>, value: unknown, at = ''): T {
  const checked = schema.safeParse(value)
  if (checked.success) return checked.data
  const fault = checked.error.issues[0]
  throw invalidValue(joinPath(at, fault?.path ?? []), fault?.message ?? 'Invalid input')
}

export function invalidValue(param: string, problem: string): InvalidRequestError {
  if (!param) return new InvalidRequestError('invalid_value', { message: `Request body: ${problem}.` })
  return new InvalidRequestError('invalid_value', { message: `${param}: ${problem}.`, param })
}

function joinPath(at: string, path: readonly PropertyKey[]): string {
  let joined = at
  for (const key of path) {
    if (typeof key === 'number') joined += `[${key}]`
    else joined += (joined && '.') + shorten(String(key))
  }
  return joined
}

/** In UTF-16 units: the names of fields may be the client's own. */
const maxKeyLength = 64

const shorten = (key: string): string =>
  key.length > maxKeyLength ? `${key.slice(0, maxKeyLength)}...` : key
