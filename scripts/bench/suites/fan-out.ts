import { type Bench, roundsOf, type Suite } from '../bench.ts'
import type { Subject } from '../subjects.ts'

export const fanOut: Suite = {
  name: 'fan-out',
  about: '1,000 streams at 10 tokens a second, and 3,000 at 5: failures, first token, RSS.',
  async run(bench) {
    const { translator, bareKoa, targets, options } = bench
    await measure(bench, {
      subjects: [translator, bareKoa, ...targets],
      streams: 1000,
      rate: 10,
      overMs: 4000,
    })
    // At most as many new ones a second as in the smaller step: what grows is the number that is open.
    const overMs = options.streams * 3
    await measure(bench, { subjects: [bareKoa, ...targets], streams: options.streams, rate: 5, overMs })
  },
}

interface Step {
  readonly subjects: readonly Subject[]
  readonly streams: number
  readonly rate: number
  readonly overMs: number
}

async function measure(bench: Bench, { subjects, streams, rate, overMs }: Step): Promise<void> {
  // All are open together for a while.
  const tokens = Math.ceil((overMs / 1000 + 3) * rate)
  const name = `${streams} at ${rate}/s`
  await bench.rounds({ subjects, count: roundsOf(bench, 3), fresh: true }, async (subject) => {
    const asked = { stream: true }
    await subject.load({ tokens: 20 }, { connections: 8, durationMs: 2000 }, asked)
    const load = await subject.load({ tokens, rate }, { streams, overMs }, asked)
    bench.record(`${name}, failures`, subject.name, load.failures)
    bench.record(`${name}, first token p99, ms`, subject.name, load.firstTokenMs.p99)
    bench.record(`${name}, RSS, MB`, subject.name, load.peakRssMb)
    bench.record(`${name}, CPU a token, us`, subject.name, (load.cpuMs * 1000) / (load.answers * tokens))
  })
}
