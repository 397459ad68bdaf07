// A process of simulated replicas, started by run-cluster.ts, which gives its orders over the channel between them.

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Ledger, ledgerNow, openLedger } from './ledger.ts'
import { createAccounts, createSimulatedReplica, type SimulatedReplica } from './simulated-replica.ts'
import type { Load, WorkerJob, WorkerOrder, WorkerReport } from './worker-job.ts'

const report = { lost: 0, failures: {} } satisfies WorkerReport
const stopping = new AbortController()

const job = await prepare()
await obey('start')
const load = job.replicas.map((replica) => drive(replica, job.load))
await obey('stop')
stopping.abort()
await Promise.all(load)
for (const replica of job.replicas) await replica.close()
job.ledger.close()
process.send?.(report)
process.disconnect()

async function prepare() {
  const { job } = await obey('prepare')
  const ledger = openLedger(job.ledgerPath)
  const replicas = createReplicas(job, ledger)
  for (const replica of replicas) {
    await replica.ready()
    await replica.request(stopping.signal)
  }
  return { ledger, replicas, load: job.load }
}

function createReplicas(job: WorkerJob, ledger: Ledger): readonly SimulatedReplica[] {
  const accounts = createAccounts(job.accounts)
  let id = job.firstId
  const parts = { ...job, accounts, ledger, nextId: () => id++, tally: report }
  return Array.from({ length: job.replicas }, () => createSimulatedReplica(parts))
}

/** Until it is told to stop. */
async function drive(replica: SimulatedReplica, load: Load): Promise<void> {
  if (load.type === 'rate') return driveAtRate(replica, load.perSecond)
  const loops = Array.from({ length: load.requestsAtOnce }, async () => {
    while (!stopping.signal.aborted) await replica.request(stopping.signal)
  })
  await Promise.all(loops)
}

async function driveAtRate(replica: SimulatedReplica, perSecond: number): Promise<void> {
  const requests = new Set<Promise<void>>()
  let dueMs = ledgerNow()
  while (!stopping.signal.aborted) {
    dueMs += (-Math.log(1 - Math.random()) * 1000) / perSecond
    const waitMs = dueMs - ledgerNow()
    // Timers keep whole milliseconds: what is due within the next one goes out with this.
    if (waitMs >= 1) await sleep(waitMs)
    const request: Promise<void> = replica.request(stopping.signal).finally(() => requests.delete(request))
    requests.add(request)
  }
  await Promise.all(requests)
}

/** Tells that the order before is done, and waits for the next. */
async function obey<Type extends WorkerOrder['type']>(
  type: Type,
): Promise<Extract<WorkerOrder, { type: Type }>> {
  process.send?.('ready')
  const [order] = (await once(process, 'message')) as [WorkerOrder]
  if (order.type !== type) throw new Error(`${order.type} came in the place of ${type}`)
  return order as Extract<WorkerOrder, { type: Type }>
}
