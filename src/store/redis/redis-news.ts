import { createListeners } from '../../core/listeners.ts'
import { type RecordKind, sharedRecordKinds } from '../store.ts'
import type { RedisClient } from './connect-redis.ts'

export interface RedisNewsOptions {
  /** A connection of its own. */
  readonly subscriber: RedisClient
  readonly channel: string
  /** What this replica told is no news to it. */
  readonly replica: string
}

/** What other replicas tell. Each time that listening begins, at the start and after each reconnect, everyone is called once:
 *  something may have been missed. */
export interface RedisNews {
  onChange(listener: () => void): () => void
  onForeignRecords(listener: (kind: RecordKind) => void): () => void
  /** Calls those who wait for a change. */
  announceChange(): void
  close(): void
}

/** A connection that is dead without a word is found so, and made anew. */
const heartbeatMs = 2000

export function listenForNews({ subscriber, channel, replica }: RedisNewsOptions): RedisNews {
  const changes = createListeners()
  const records = createListeners<[kind: RecordKind]>()

  async function begin(): Promise<void> {
    await subscriber.subscribe(channel)
    changes.tell()
    for (const kind of sharedRecordKinds) records.tell(kind)
  }

  subscriber.on('ready', () => void begin().catch(() => subscriber.disconnect(true)))
  subscriber.on('message', (_channel: string, message: string) => {
    const [topic, kind, teller] = message.split(' ')
    if (topic === 'leases') changes.tell()
    const changed = sharedRecordKinds.find((each) => each === kind)
    if (topic === 'records' && changed && teller !== replica) records.tell(changed)
  })
  const heartbeat = setInterval(() => {
    if (subscriber.status === 'ready') void subscriber.ping().catch(() => subscriber.disconnect(true))
  }, heartbeatMs).unref()

  return {
    onChange: changes.add,
    onForeignRecords: records.add,
    announceChange: changes.tell,
    close() {
      clearInterval(heartbeat)
      changes.clear()
      records.clear()
      subscriber.disconnect()
    },
  }
}
