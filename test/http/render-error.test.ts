import { expect, it } from 'vitest'
import {
  ServiceError,
  type ServiceErrorOptions,
  UpstreamError,
  type UpstreamFailureKind,
} from '../../src/core/errors.ts'
import { retryHeaders } from '../../src/http/render-error.ts'

it.each<[ServiceErrorOptions, Record<string, string>]>([
  [{}, {}],
  [{ retryAfterMs: 1 }, { 'Retry-After': '1' }],
  [{ retryAfterMs: 0 }, { 'Retry-After': '1' }],
  [{ retryAfterMs: -5 }, { 'Retry-After': '1' }],
  [{ retryAfterMs: 1001 }, { 'Retry-After': '2' }],
  [{ retryAfterMs: 60_000 }, { 'Retry-After': '60' }],
  [{ retryAfterMs: 86_400_000 }, { 'Retry-After': '60', 'x-should-retry': 'false' }],
  [{ retryable: false }, { 'x-should-retry': 'false' }],
  [{ retryable: true }, {}],
])('turns %j into %j', (options, headers) => {
  expect(retryHeaders(new ServiceError('all_accounts_cooling', options))).toEqual(headers)
})

it.each<[UpstreamFailureKind, Record<string, string>]>([
  ['challenged', { 'x-should-retry': 'false' }],
  ['bad-request', { 'x-should-retry': 'false' }],
  ['route-gone', { 'x-should-retry': 'false' }],
  ['unavailable', {}],
  ['reset', {}],
  ['rate-limited', {}],
])('tells whether a new try can mend a failure of the site: %s', (kind, headers) => {
  expect(retryHeaders(new UpstreamError(kind))).toEqual(headers)
})
