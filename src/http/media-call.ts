import type { GatewayCall } from '../gateway/attempt-loop.ts'
import type { RequestContext } from './request-state.ts'

/** The call of a client that waits for files. Nothing is written until they are there, so TCP itself has to tell whoever is in
 *  between that the connection lives. */
export function beginMediaCall({ req, state }: RequestContext): GatewayCall {
  req.socket.setKeepAlive(true, keepAliveMs)
  return { requestId: state.requestId, signal: state.signal }
}

const keepAliveMs = 30_000
