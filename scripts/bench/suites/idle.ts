import { setTimeout as sleep } from 'node:timers/promises'
import { everyone, roundsOf, type Suite } from '../bench.ts'
import { rssMbOf } from '../measure-process.ts'

const restMs = 8000
const plan = { tokens: 3, burst: true }

export const idle: Suite = {
  name: 'idle',
  about: `RSS ${restMs / 1000} s after the start, without Chromium and without a request; after one answer, and after small answers at C=32.`,
  quick: true,
  async run(bench) {
    for (let round = 0; round < roundsOf(bench, 3); round += 1) {
      // All rest at the same time.
      await bench.rounds({ subjects: everyone(bench), count: 1, unasked: true }, async (subject) => {
        await sleep(Math.max(0, subject.startedAtMs + restMs - performance.now()))
        bench.record('RSS, MB', subject.name, await rssMbOf(subject.pid))
        await subject.load(plan, { requests: 1 })
        await sleep(1000)
        bench.record('RSS after one answer, MB', subject.name, await rssMbOf(subject.pid))
        await subject.load(plan, { connections: 32, durationMs: 4000 })
        await sleep(1000)
        bench.record('RSS after small, MB', subject.name, await rssMbOf(subject.pid))
      })
    }
  },
}
