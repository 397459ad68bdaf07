import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, type Measured, roundsOf, type Suite } from '../bench.ts'

const clients = 100
/** Far longer than anything is waited for. */
const plan = { tokens: 1000, rate: 10 }

export const abort: Suite = {
  name: 'abort',
  about: `${clients} clients leave within their streams: how long until the site has no open request.`,
  async run(bench) {
    const { translator, bareKoa, portkey, targets } = bench
    const subjects = [translator, bareKoa, ...targets]
    await bench.rounds({ subjects, count: roundsOf(bench, 7) }, async (subject) => {
      await subject.load({ tokens: 20 }, { connections: 32, durationMs: 500 }, { stream: true })
      await measure(bench, subject, 5000)
    })
    // It does not end its requests: its own end does.
    await bench.rounds({ subjects: [portkey], count: 1 }, (subject) => measure(bench, subject, 3000))
  },
}

async function measure(bench: Bench, subject: Measured, patienceMs: number): Promise<void> {
  const { leftNs = '0' } = await subject.load(plan, { connections: clients, leaveAfter: 3 }, { stream: true })
  let state = await bench.state()
  for (let waitedMs = 0; state.open > 0 && waitedMs < patienceMs; waitedMs += 50) {
    await sleep(50)
    state = await bench.state()
  }
  const idleMs = Number(BigInt(state.lastClosedNs) - BigInt(leftNs)) / 1e6
  bench.record('until the site is idle, ms', subject.name, state.open > 0 ? Number.POSITIVE_INFINITY : idleMs)
}
