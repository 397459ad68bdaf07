import { everyone, roundsOf, type Suite } from '../bench.ts'

/** A few words, in one write of the site: what a request costs beside its tokens. */
const plan = { tokens: 3, burst: true }

export const small: Suite = {
  name: 'small',
  about: 'A small answer, not streamed: what is added to the site at C=1; requests a second and CPU at C=32.',
  quick: true,
  async run(bench) {
    const warm = new Set<string>()
    await bench.rounds({ subjects: everyone(bench), count: roundsOf(bench, 5) }, async (subject) => {
      if (!warm.has(subject.name)) await subject.load(plan, { connections: 32, durationMs: 3000 })
      warm.add(subject.name)

      const site = await bench.direct(plan, { connections: 1, requests: 300 })
      const alone = await subject.load(plan, { connections: 1, requests: 300 })
      bench.record('C=1, added p50, ms', subject.name, alone.latencyMs.p50 - site.latencyMs.p50)
      bench.record('C=1, added p99, ms', subject.name, alone.latencyMs.p99 - site.latencyMs.p99)

      const crowd = await subject.load(plan, { connections: 32, durationMs: 2500 })
      bench.record('C=32, requests/s', subject.name, crowd.answers / (crowd.elapsedMs / 1000))
      bench.record('C=32, CPU a request, ms', subject.name, crowd.cpuMs / crowd.answers)
      bench.record('C=32, p99, ms', subject.name, crowd.latencyMs.p99)
    })
  },
}
