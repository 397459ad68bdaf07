import type { UpstreamFailureKind } from '../../src/core/errors.ts'
import type { FailureId } from '../emulator/scenario.ts'

/** What each failure of the emulator must be recognised as, for whatever was asked. Source: WIRE 4.11, 5.10 */
export const failureKinds: Readonly<Record<FailureId, UpstreamFailureKind>> = {
  F1: 'rate-limited',
  F2: 'signed-out',
  F3: 'unavailable',
  F4: 'overloaded',
  F5: 'quota-spent',
  F6: 'challenged',
  F7: 'challenged',
  F8: 'unavailable',
  F9: 'route-gone',
  F10: 'empty',
  A1: 'signed-out',
  A2: 'bad-request',
  A3: 'challenged',
  A4: 'token-refused',
  A5: 'token-refused',
  A6: 'bad-request',
  A7: 'rate-limited',
  A8: 'unavailable',
  A9: 'rate-limited',
  A10: 'quota-spent',
  A11: 'quota-spent',
  A12: 'empty',
  A13: 'unavailable',
  A14: 'quota-spent',
  A15: 'empty',
}
