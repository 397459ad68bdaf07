import type { ChatEventBatch } from '../../src/core/chat-event.ts'
import type { StreamEncoder } from '../../src/dialects/stream-encoder.ts'

/** What a client is written of an answer, one string a write. */
export async function encodeAll(
  encoder: StreamEncoder,
  batches: Iterable<ChatEventBatch>,
): Promise<string[]> {
  const writes: string[] = []
  for (const batch of batches) {
    const write = encoder.encode(batch)
    if (write) writes.push(write)
    if (encoder.isFull) break
  }
  return [...writes, await encoder.end()]
}
