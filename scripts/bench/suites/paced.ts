import { everyone, roundsOf, type Suite } from '../bench.ts'

const streams = 100
const plan = { tokens: 200, rate: 50 }

export const paced: Suite = {
  name: 'paced',
  about: '100 streams at 50 tokens a second, as a model writes: CPU a token.',
  quick: true,
  async run(bench) {
    await bench.rounds({ subjects: everyone(bench), count: roundsOf(bench, 4) }, async (subject, round) => {
      const asked = { stream: true }
      if (round === 0) await subject.load({ tokens: 50 }, { connections: 32, durationMs: 2000 }, asked)
      const load = await subject.load(plan, { streams, overMs: 500 }, asked)
      bench.record('CPU a token, us', subject.name, (load.cpuMs * 1000) / (streams * plan.tokens))
      bench.record('first token p99, ms', subject.name, load.firstTokenMs.p99)
      bench.record('between tokens p99, ms', subject.name, load.gapMs.p99)
    })
  },
}
