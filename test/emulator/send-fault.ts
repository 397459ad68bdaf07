import { setTimeout as delay } from 'node:timers/promises'
import type { Exchange, Fault } from './route.ts'

/** Answers as a fault says. */
export async function sendFault(
  { response, signal }: Pick<Exchange, 'response' | 'signal'>,
  fault: Fault,
): Promise<void> {
  const { status = 500, headers, body = '', reset, delayMs = 0 } = fault
  if (delayMs > 0) await delay(delayMs, undefined, { signal })
  if (reset) return void response.socket?.resetAndDestroy()
  const isText = typeof body === 'string'
  const contentType = isText ? 'text/plain; charset=utf-8' : 'application/json'
  response.writeHead(status, { 'Content-Type': contentType, ...headers })
  response.end(isText ? body : JSON.stringify(body))
}
