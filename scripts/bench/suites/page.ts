import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { roundsOf, type Suite } from '../bench.ts'
import type { PageStreams } from '../page-streams.ts'

export const page: Suite = {
  name: 'page',
  about: 'what asking through the page in a real Chromium adds to asking directly, over HTTP/2.',
  async run(bench) {
    // An older checkout asks by itself alone.
    const targets = bench.options.targets.filter(({ folder }) =>
      existsSync(join(folder, 'src/browser/page-transport.ts')),
    )
    for (let round = 0; round < roundsOf(bench, 3); round += 1) {
      for (let step = 0; step < targets.length; step += 1) {
        const { name = '', folder = '' } = targets[(step + round) % targets.length] ?? {}
        const args = [join(import.meta.dirname, '../page-streams.ts'), folder]
        const { stdout } = await promisify(execFile)(process.execPath, args)
        const streams = JSON.parse(stdout) as PageStreams
        bench.record('first event, added p50, ms', name, streams.firstAddedP50Ms)
        bench.record('first event, added p99, ms', name, streams.firstAddedP99Ms)
        bench.record('first event, added by auto, p50, ms', name, streams.autoAddedP50Ms)
        bench.record('first event, added by auto, p99, ms', name, streams.autoAddedP99Ms)
        bench.record('100 at 20/s, added p50, ms', name, streams.delayAddedP50Ms)
        bench.record('100 at 20/s, added p99, ms', name, streams.delayAddedP99Ms)
        bench.record('100 at 20/s, added cores', name, streams.addedCores)
        bench.record('memory after 1,000 streams, added MB', name, streams.grownMb)
      }
    }
  },
}
