import { UpstreamError, type UpstreamFailureKind } from '../../core/errors.ts'
import { recogniseSpeaking } from '../failures/recognise-event.ts'
import { isRecord } from '../parse-event.ts'
import { tellsOfSpentCredits } from './recognise-vendor-reply.ts'

/** An error within the stream of either style speaks for the service, never for the model. @returns undefined for any other event */
export function recogniseStreamError(event: Readonly<Record<string, unknown>>): UpstreamError | undefined {
  const { error } = event
  if (error === undefined || error === null) return undefined
  if (tellsOfSpentCredits(JSON.stringify(error))) return new UpstreamError('quota-spent')
  const kind = isRecord(error) && typeof error.type === 'string' ? kinds.get(error.type) : undefined
  return kind ? new UpstreamError(kind) : (recogniseSpeaking(event) ?? new UpstreamError('unavailable'))
}

/** By the type that the error names. Source: platform.claude.com/docs/en/api/errors */
const kinds: ReadonlyMap<string, UpstreamFailureKind> = new Map([
  ['overloaded_error', 'overloaded'],
  ['rate_limit_error', 'rate-limited'],
  ['authentication_error', 'signed-out'],
  ['billing_error', 'quota-spent'],
  ['invalid_request_error', 'bad-request'],
  ['request_too_large', 'bad-request'],
  ['not_found_error', 'malformed'],
])
