import { sharedRecordKinds } from '../../../src/store/store.ts'
import { startRedisServer } from '../../support/redis-server.ts'
import { describeStore } from '../store-contract.ts'
import { openReplica } from './open-replica.ts'

const startMs = Date.UTC(2026, 10, 23)

describeStore('shared store', async () => {
  let nowMs = startMs
  const clock = { now: () => nowMs }
  const server = await startRedisServer()
  const { store } = openReplica({ redisUrl: server.url, clock })
  await hasSettled(store)
  return {
    store,
    nowMs: () => nowMs,
    advance(ms: number) {
      nowMs += ms
    },
    async close() {
      await store.close()
      await server.stop()
    },
  }
})

/** The first meeting and the first listening to the other replicas tell of every kind of records. */
function hasSettled(store: ReturnType<typeof openReplica>['store']): Promise<void> {
  let calls = 0
  return new Promise((resolve) => {
    const unsubscribe = store.onForeignRecords(() => {
      calls += 1
      if (calls < 2 * sharedRecordKinds.length) return
      unsubscribe()
      resolve()
    })
  })
}
