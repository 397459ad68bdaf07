import { setTimeout as delay } from 'node:timers/promises'
import { resetReply } from './end-reply.ts'
import type { Exchange, Fault } from './route.ts'

/** Answers as a fault says. */
export async function sendFault(
  { response, signal }: Pick<Exchange, 'response' | 'signal'>,
  fault: Fault,
): Promise<void> {
  const { headers, body = '', reset, hang, delayMs = 0 } = fault
  const { status = hang ? 200 : 500 } = fault
  if (delayMs > 0) await delay(delayMs, undefined, { signal })
  if (reset) return resetReply(response)
  if (hang === 'before-headers') return
  const isText = typeof body === 'string'
  const contentType = isText ? 'text/plain; charset=utf-8' : 'application/json'
  response.writeHead(status, { 'Content-Type': contentType, ...headers })
  const text = isText ? body : JSON.stringify(body)
  if (!hang) return void response.end(text)
  response.flushHeaders()
  if (text !== '') response.write(text)
}
