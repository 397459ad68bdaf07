import type { GatewayCall } from '../gateway/attempt.ts'
import { callerOf } from './keys.ts'
import type { RequestContext } from './request-state.ts'

/** The call of a client that waits for files. Nothing is written until they are there, so TCP itself has to tell whoever is in
 *  between that the connection lives. */
export function beginMediaCall(context: RequestContext): GatewayCall {
  const { req, state } = context
  req.socket.setKeepAlive(true, keepAliveMs)
  return { requestId: state.requestId, caller: callerOf(context), signal: state.signal }
}

const keepAliveMs = 30_000
