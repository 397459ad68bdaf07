import type { WireOptions } from './scenario.ts'

/** Turns encoded events into the pieces that are written one by one. */
export async function* regroup(
  events: AsyncIterable<Buffer>,
  split: NonNullable<WireOptions['split']>,
): AsyncGenerator<Buffer> {
  if (split === 'events') yield* events
  else if (split === 'joined') yield* joined(events)
  else if (split === 'every-byte') yield* singleBytes(events)
  else yield* between(split, events)
}

const joinedBytes = 64 * 1024

async function* joined(events: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let size = 0
  for await (const event of events) {
    held.push(event)
    size += event.length
    if (size < joinedBytes) continue
    yield Buffer.concat(held)
    held = []
    size = 0
  }
  yield Buffer.concat(held)
}

async function* singleBytes(events: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const event of events) {
    for (let at = 0; at < event.length; at += 1) yield event.subarray(at, at + 1)
  }
}

/** Holds bytes back until the next position is reached; after the last one events go out whole. */
async function* between(positions: readonly number[], events: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const ends = [...positions].sort((a, b) => a - b)
  let held: Buffer = Buffer.alloc(0)
  let sent = 0
  for await (const event of events) {
    held = Buffer.concat([held, event])
    while (ends[0] !== undefined && ends[0] <= sent + held.length) {
      const length = (ends.shift() as number) - sent
      yield held.subarray(0, length)
      held = held.subarray(length)
      sent += length
    }
    if (ends.length > 0) continue
    yield held
    sent += held.length
    held = Buffer.alloc(0)
  }
  yield held
}
