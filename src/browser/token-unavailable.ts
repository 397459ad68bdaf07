import { type ServiceErrorOptions, UnavailableError } from '../core/errors.ts'

/** @param cause  what went wrong and what to do about it, for the operator's eyes; it holds no secret */
export const tokenUnavailable = (
  cause: string,
  options: Pick<ServiceErrorOptions, 'cause' | 'retryable'> = {},
): UnavailableError =>
  new UnavailableError('token_unavailable', { message: `No reCAPTCHA token: ${cause}.`, ...options })

/** The first line of an error, without Playwright's call log. */
export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
