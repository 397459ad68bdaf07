import type { ServerResponse } from 'node:http'
import type { Logger } from '../core/logger.ts'
import type { StreamEncoder } from '../dialects/stream-encoder.ts'
import { elapsedMs } from '../records/record.ts'
import { toServiceError } from './render-error.ts'
import type { RequestContext } from './request-state.ts'

export interface SendEventsOptions {
  /** How long status and headers wait for the first event: what fails before is a true HTTP error. */
  readonly headerHoldMs: number
  /** An SSE comment is written when nothing else was for so long. */
  readonly streamPingMs: number
  readonly logger: Logger
}

/** Writes an answer as an event stream: what one upstream read brought becomes one write, and the next batch is pulled when the
 *  client has taken enough of it. A client that leaves ends the answer at once.
 *  @throws what the answer fails with before the headers are out; a later failure is the last event of the stream */
export async function sendEvents<Batch>(
  context: RequestContext,
  answer: Promise<{ readonly events: AsyncIterable<Batch> }>,
  encoder: StreamEncoder<Batch>,
  { headerHoldMs, streamPingMs, logger }: SendEventsOptions,
): Promise<void> {
  const { res } = context
  const { signal } = context.state
  let batches: AsyncIterator<Batch> | undefined
  let ping: NodeJS.Timeout | undefined
  const hold = setTimeout(() => {
    start()
    res.write(comment)
  }, headerHoldMs)
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()

  function start(): void {
    clearTimeout(hold)
    if (res.headersSent || signal.aborted) return
    writeHead(context)
    ping = startPings(res, streamPingMs)
  }

  /** @returns a promise where the client is slower than the answer */
  function write(text: string): Promise<void> | undefined {
    if (!res.headersSent) start()
    ping?.refresh()
    if (text.length > maxWriteLength) return writeInParts(res, text, signal)
    return res.write(text) ? undefined : drained(res)
  }

  async function writeAll(): Promise<void> {
    batches = (await answer).events[Symbol.asyncIterator]()
    while (!encoder.isFull) {
      const { done, value } = await batches.next()
      if (signal.aborted) return
      if (done) break
      const text = encoder.encode(value)
      const slow = text ? write(text) : undefined
      if (slow) await slow
      if (signal.aborted) return
    }
    const end = await encoder.end()
    if (signal.aborted) return
    await write(end)
    res.end()
  }

  try {
    await Promise.race([aborted.promise, writeAll()])
  } catch (error) {
    if (!res.headersSent) throw error
    if (!res.destroyed) res.end(encoder.encodeError(toServiceError(context, error, logger)))
  } finally {
    clearTimeout(hold)
    clearTimeout(ping)
    signal.removeEventListener('abort', abort)
    // Not awaited: an answer that waits for its upstream ends when that does.
    batches?.return?.().catch(() => {})
  }
}

const comment = ': waiting\n\n'

/** In UTF-16 units. A longer text is written in parts, so that a slow reader has little of it in memory. */
const maxWriteLength = 64 * 1024

/** The response is owned from here on; it is not compressed, and proxies are told not to buffer it. */
function writeHead(context: RequestContext): void {
  const { record } = context.state
  if (record) record.headersMs = elapsedMs(record)
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

async function writeInParts(res: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length && !signal.aborted; start += maxWriteLength) {
    if (!res.write(bytes.subarray(start, start + maxWriteLength))) await drained(res)
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
