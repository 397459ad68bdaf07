import { createParser } from 'eventsource-parser'
import { UpstreamError } from '../core/errors.ts'

/** What a reply's body turns out to be. */
export type ReplyBody =
  /** Event data, one batch a read. @throws {UpstreamError} `event-too-large` while iterating */
  | { readonly type: 'events'; readonly batches: AsyncIterable<readonly string[]> }
  /** Anything else, e.g. a page, JSON or a line of text; its beginning. */
  | { readonly type: 'other'; readonly text: string }

/** In characters, which are never more than the bytes. */
const maxEventLength = 8 * 1024 * 1024
const maxOtherLength = 64 * 1024

/** Tells an event stream from what may come in its place. The first bytes decide: failures come labelled as streams and
 *  streams under other labels (UPSTREAM 2.2, 4.11). Closes `reads` unless it goes on in `batches`. */
export async function readReplyBody(reads: AsyncIterable<Uint8Array>): Promise<ReplyBody> {
  const decoder = new TextDecoder()
  const iterator = reads[Symbol.asyncIterator]()
  let head = ''
  for (;;) {
    const { value, done } = await iterator.next()
    head += done ? decoder.decode() : decoder.decode(value, { stream: true })
    if (beginsAsEvents(head)) return { type: 'events', batches: readEvents(head, iterator, decoder) }
    if (done) return { type: 'other', text: head }
    if (head.length >= maxOtherLength) {
      await iterator.return?.()
      return { type: 'other', text: head.slice(0, maxOtherLength) }
    }
  }
}

/** Reads a body of which no more than its beginning is wanted.
 *  @param maxLength  in characters; a failure's words are short */
export async function readText(
  reads: AsyncIterable<Uint8Array>,
  maxLength = maxOtherLength,
): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const read of reads) {
    text += decoder.decode(read, { stream: true })
    if (text.length >= maxLength) return text.slice(0, maxLength)
  }
  return text + decoder.decode()
}

const lineHeads = ['data:', 'event:', 'id:', 'retry:', ':']

function beginsAsEvents(head: string): boolean {
  const text = head.trimStart()
  return lineHeads.some((lineHead) => text.startsWith(lineHead))
}

async function* readEvents(
  head: string,
  iterator: AsyncIterator<Uint8Array>,
  decoder: TextDecoder,
): AsyncGenerator<readonly string[]> {
  let batch: string[] = []
  const parser = createParser({
    maxBufferSize: maxEventLength,
    onEvent: (event) => batch.push(event.data),
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') throw new UpstreamError('event-too-large')
    },
  })
  try {
    parser.feed(head.trimStart())
    for (;;) {
      if (batch.length > 0) {
        const ready = batch
        batch = []
        yield ready
      }
      const { value, done } = await iterator.next()
      if (done) break
      parser.feed(decoder.decode(value, { stream: true }))
    }
    // The last line may lack its line feeds.
    parser.feed(`${decoder.decode()}\n\n`)
    if (batch.length > 0) yield batch
  } finally {
    await iterator.return?.()
  }
}
