import type { Clock } from '../../core/clock.ts'
import { UpstreamError } from '../../core/errors.ts'

/** Whoever asks for images without a good token is told of a 5-hour window that opens this long after each ask; a true
 *  window's end stands still. Source: UPSTREAM 3.4 */
const fakeWindowMs = 90 * 60 * 1000

const toleranceMs = 60 * 1000

/** Tells the wall of a token that was missing or refused from a window that is used up. @returns what to throw */
export function judgeLimit(error: UpstreamError, clock: Clock): UpstreamError {
  const { kind, resetAtMs } = error
  if (kind !== 'quota-spent' || resetAtMs === undefined) return error
  const isFake = Math.abs(resetAtMs - clock.now() - fakeWindowMs) <= toleranceMs
  return isFake ? new UpstreamError('token-refused', { cause: error }) : error
}
