import { createListeners } from '../../core/listeners.ts'
import { type RecordKind, sharedRecordKinds } from '../store.ts'
import type { RedisClient } from './connect-redis.ts'

export interface ReplicaMessagesOptions {
  /** A connection of its own. */
  readonly subscriber: RedisClient
  readonly channel: string
  /** Its own messages are left out. */
  readonly replica: string
}

/** Messages of other replicas. Each time that listening begins, at the start and after each reconnect, every listener is called
 *  once: a message may have been missed. */
export interface ReplicaMessages {
  onChange(listener: () => void): () => void
  /** @param isCounted  the change has a number (`readChanges`); false: it was made by 0.1.0, or a message may have been missed */
  onForeignRecords(listener: (kind: RecordKind, isCounted: boolean) => void): () => void
  /** Calls the listeners of this replica that wait for a change. */
  callWaiters(): void
  close(): void
}

/** Finds a connection that died silently, and makes it anew. */
const heartbeatMs = 2000

export function listenToReplicas({ subscriber, channel, replica }: ReplicaMessagesOptions): ReplicaMessages {
  const changes = createListeners()
  const records = createListeners<[kind: RecordKind, isCounted: boolean]>()

  async function begin(): Promise<void> {
    await subscriber.subscribe(channel)
    changes.tell()
    for (const kind of sharedRecordKinds) records.tell(kind, false)
  }

  subscriber.on('ready', () => void begin().catch(() => subscriber.disconnect(true)))
  subscriber.on('message', (_channel: string, message: string) => {
    const [topic, kind, sender, revision] = message.split(' ')
    if (topic === 'leases') changes.tell()
    const changed = sharedRecordKinds.find((each) => each === kind)
    if (topic === 'records' && changed && sender !== replica) records.tell(changed, revision !== undefined)
  })
  const heartbeat = setInterval(() => {
    if (subscriber.status === 'ready') void subscriber.ping().catch(() => subscriber.disconnect(true))
  }, heartbeatMs).unref()

  return {
    onChange: changes.add,
    onForeignRecords: records.add,
    callWaiters: changes.tell,
    close() {
      clearInterval(heartbeat)
      changes.clear()
      records.clear()
      subscriber.disconnect()
    },
  }
}
