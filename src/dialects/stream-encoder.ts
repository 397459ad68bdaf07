// Dialects: each public format is parsed into the vocabulary of `core` and encoded from it. This shape is what streamed chats share.
// Pure: touches `core` and zod; `admin` also parsers of `accounts` and counts of `store`, `encode-model` a type of `models`.

import type { ChatEventBatch } from '../core/chat-event.ts'
import type { ServiceError } from '../core/errors.ts'

/** Encodes one streamed answer in the events of a public format. Every string is whole SSE events and becomes one write. */
export interface StreamEncoder<Batch = ChatEventBatch> {
  /** What the client gets to see of the events of one read; '' for nothing. */
  encode(batch: Batch): string
  /** The answer is longer than may be kept: it is read no further, and `end` calls it cut. */
  readonly isFull?: boolean
  /** Ends a whole answer: finish, usage, end mark.
   *  @throws {UpstreamError} `reset` when the answer never finished */
  end(): string | Promise<string>
  /** The last words of a stream that broke, without its end mark. */
  encodeError(error: ServiceError): string
}
