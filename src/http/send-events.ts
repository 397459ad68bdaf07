import type { ServerResponse } from 'node:http'
import type { StreamEncoder } from '../dialects/stream-encoder.ts'
import type { RequestContext } from './request-state.ts'

export interface SendEventsOptions {
  /** How long status and headers wait for the first piece: what fails before is a true HTTP error. */
  readonly holdMs: number
  /** An SSE comment is written when nothing else was for so long. */
  readonly pingMs: number
  /** A failure after the headers, as the last piece of the stream. */
  readonly encodeError: (error: unknown) => string
}

/** The one way in which an event stream is written. Each piece of `source` is whole SSE events and becomes one write; the next
 *  is pulled when the client has taken enough of it. When the client leaves, `source` is returned at once.
 *  @throws what `source` fails with before the headers are out */
export async function sendEvents(
  context: RequestContext,
  source: AsyncIterable<string>,
  { holdMs, pingMs, encodeError }: SendEventsOptions,
): Promise<void> {
  const { res } = context
  const { signal } = context.state
  const pieces = source[Symbol.asyncIterator]()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  const held = Promise.withResolvers<void>()
  const hold = setTimeout(held.resolve, holdMs)
  let ping: NodeJS.Timeout | undefined
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    const first = pieces.next()
    const early = await Promise.race([aborted.promise, first, held.promise])
    writeHead(context)
    if (!early) res.write(comment)
    ping = startPings(res, pingMs)
    await Promise.race([aborted.promise, writeAll(res, first, pieces, ping, signal)])
    res.end()
  } catch (error) {
    if (!res.headersSent) throw error
    if (!res.destroyed) res.end(encodeError(error))
  } finally {
    clearTimeout(hold)
    clearTimeout(ping)
    signal.removeEventListener('abort', abort)
    leave(pieces)
  }
}

const comment = ': waiting\n\n'

/** The response is owned from here on; no compression, and proxies are told not to hold it back (CLIENTS rule 20). */
function writeHead(context: RequestContext): void {
  context.respond = false
  context.res.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-cache',
    'X-Accel-Buffering': 'no',
  })
}

/** One timer a stream, put off by every write. A client that does not read gets no more to read. */
function startPings(res: ServerResponse, pingMs: number): NodeJS.Timeout {
  const timer = setTimeout(() => {
    if (res.writableLength === 0) res.write(comment)
    timer.refresh()
  }, pingMs)
  return timer
}

async function writeAll(
  res: ServerResponse,
  first: Promise<IteratorResult<string>>,
  pieces: AsyncIterator<string>,
  ping: NodeJS.Timeout,
  signal: AbortSignal,
): Promise<void> {
  for (let piece = await first; !piece.done; piece = await pieces.next()) {
    if (signal.aborted) return
    ping.refresh()
    if (!res.write(piece.value)) await drained(res)
    if (signal.aborted) return
  }
}

function drained(res: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const settle = () => {
    res.off('drain', settle)
    res.off('close', settle)
    resolve()
  }
  res.on('drain', settle)
  res.on('close', settle)
  return promise
}

/** Not awaited: a generator that waits for its upstream ends when that does, and the signal has told it. */
function leave(pieces: AsyncIterator<string>): void {
  pieces.return?.().catch(() => {})
}

/** What `encoder` makes of an answer, as pieces. */
export async function* encodeAll<Batch>(
  answer: Promise<{ readonly events: AsyncIterable<Batch> }>,
  encoder: StreamEncoder<Batch>,
): AsyncGenerator<string> {
  for await (const batch of (await answer).events) {
    const piece = encoder.encode(batch)
    if (piece) yield piece
    if (encoder.isFull) break
  }
  yield await encoder.end()
}
