import { everyone, roundsOf, type Suite } from '../bench.ts'

const plan = { tokens: 50 }
const asked = { stream: true }

export const stream: Suite = {
  name: 'stream',
  about: 'Streams of 50 tokens at C=32, as fast as they go, one write of the site a token.',
  quick: true,
  async run(bench) {
    const warm = new Set<string>()
    await bench.rounds({ subjects: everyone(bench), count: roundsOf(bench, 4) }, async (subject) => {
      if (!warm.has(subject.name)) await subject.load(plan, { connections: 32, durationMs: 3000 }, asked)
      warm.add(subject.name)
      const crowd = await subject.load(plan, { connections: 32, durationMs: 3000 }, asked)
      bench.record('C=32, streams/s', subject.name, crowd.answers / (crowd.elapsedMs / 1000))
      bench.record('C=32, CPU a stream, ms', subject.name, crowd.cpuMs / crowd.answers)
      bench.record('C=32, first token p99, ms', subject.name, crowd.firstTokenMs.p99)
    })
  },
}
