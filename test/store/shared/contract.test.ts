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

/** The first meeting tells of every kind of records, the first listening to the other replicas of what is not looked at here. */
function hasSettled(store: ReturnType<typeof openReplica>['store']): Promise<void> {
  let calls = 0
  return new Promise((resolve) => {
    const unsubscribe = store.onForeignRecords(() => {
      calls += 1
      if (calls < sharedRecordKinds.length + 1) return
      unsubscribe()
      resolve()
    })
  })
}
