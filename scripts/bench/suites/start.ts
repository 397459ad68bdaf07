import { everyone, roundsOf, type Suite } from '../bench.ts'
import { cpuMsOf } from '../measure-process.ts'

export const start: Suite = {
  name: 'start',
  about: 'From the start of the process to its first answer.',
  quick: true,
  async run(bench) {
    await bench.rounds(
      { subjects: everyone(bench), count: roundsOf(bench, 7), fresh: true },
      async (subject) => {
        bench.record('first answer, ms', subject.name, subject.startMs)
        bench.record('CPU until then, ms', subject.name, await cpuMsOf(subject.pid))
      },
    )
  },
}
