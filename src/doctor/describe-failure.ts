import { ServiceError } from '../core/errors.ts'

/** How long one question may take. */
export const withinMs = 20_000

/** A failure in words: our own errors say what to do, anything else gets the remedy that fits the question. */
export function describeFailure(error: unknown, remedy: string): { text: string; remedy?: string } {
  if (error instanceof ServiceError && error.code === 'upstream_challenge') return { text: error.message }
  if (error instanceof Error && error.name === 'TimeoutError')
    return { text: `no answer within ${withinMs / 1000} s`, remedy }
  const cause = error instanceof ServiceError ? causeOf(error) : ''
  return { text: `${error instanceof Error ? error.message : error}${cause}`, remedy }
}

/** Of a network error the code alone: its message may hold the address of a proxy. Of Redis the reason, which holds no secret. */
function causeOf({ code, cause }: ServiceError): string {
  const reason = code === 'dependency_unavailable' ? messageOf(cause) : codeOf(cause)
  return reason ? ` (${reason})` : ''
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : '')

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
