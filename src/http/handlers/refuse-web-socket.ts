import { ServiceError } from '../../core/errors.ts'
import type { RequestContext } from '../request-state.ts'

/** Codex tries a WebSocket first and falls back to POST at once on 426, but on nothing else (CLIENTS rule 18).
 *  @throws {ServiceError} `upgrade_not_supported`, or `not_found` for a plain GET */
export function refuseWebSocket(context: RequestContext): void {
  const wantsWebSocket = /\bwebsocket\b/i.test(context.get('upgrade'))
  throw new ServiceError(wantsWebSocket ? 'upgrade_not_supported' : 'not_found')
}
