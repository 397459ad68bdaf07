import type { GatewayCall } from '../gateway/attempt.ts'
import { callerOf } from './keys.ts'
import type { RequestContext } from './request-state.ts'

/** What the gateway has to know of the request that it works for.
 *  @param signal  ends the work; by default the request's own */
export function gatewayCall(
  context: RequestContext,
  signal: AbortSignal = context.state.signal,
): GatewayCall {
  const { requestId, record } = context.state
  return { requestId, caller: callerOf(context), signal, ...(record && { record }) }
}

/** The same for a client that waits for files. Nothing is written until they are there, so TCP keepalive has to show the
 *  proxies in between that the connection lives. */
export function beginMediaCall(context: RequestContext, signal?: AbortSignal): GatewayCall {
  context.req.socket.setKeepAlive(true, keepAliveMs)
  return gatewayCall(context, signal)
}

const keepAliveMs = 30_000
