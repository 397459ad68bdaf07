import { createParser } from 'eventsource-parser'
import type { RawReply } from '../../../emulator/raw-request.ts'

export interface StreamEvent {
  /** Of its `event:` line; undefined without one. */
  readonly event: string | undefined
  readonly data: string
}

/** The events of a reply that every client takes for a stream (CLIENTS rules 1, 20). */
export function eventsOf(reply: RawReply): readonly StreamEvent[] {
  expectStream(reply)
  const events: StreamEvent[] = []
  const parser = createParser({ onEvent: ({ event, data }) => void events.push({ event, data }) })
  parser.feed(reply.body.toString())
  return events
}

/** Lines as a line scanner hands them out, the end mark of each taken away. */
export function linesOf(reply: RawReply): readonly string[] {
  expectStream(reply)
  return reply.body.toString().split('\n')
}

/** The JSON of a reply that is none. */
export function jsonOf(reply: RawReply): unknown {
  if (!/^application\/json/.test(reply.headers['content-type'] ?? ''))
    throw new Error(`no JSON: ${reply.status} ${reply.body.toString().slice(0, 500)}`)
  return JSON.parse(reply.body.toString())
}

function expectStream({ status, headers, body, error }: RawReply): void {
  if (status !== 200) throw new Error(`status ${status}: ${body.toString().slice(0, 500)}`)
  if (!headers['content-type']?.startsWith('text/event-stream'))
    throw new Error(`no stream: ${headers['content-type']}`)
  if (headers['content-encoding']) throw new Error('the stream is compressed')
  if (error) throw error
}
