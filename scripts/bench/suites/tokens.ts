import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { roundsOf, type Suite } from '../bench.ts'
import type { TokenWaits } from '../token-waits.ts'

export const tokens: Suite = {
  name: 'tokens',
  about:
    'reCAPTCHA tokens of a warm page in a real Chromium, without spares: our wait over the page’s own 50 ms, and 50 at once.',
  async run(bench) {
    const { targets } = bench.options
    for (let round = 0; round < roundsOf(bench, 3); round += 1) {
      for (let step = 0; step < targets.length; step += 1) {
        const { name = '', folder = '' } = targets[(step + round) % targets.length] ?? {}
        const args = [join(import.meta.dirname, '../token-waits.ts'), folder, bench.site]
        const { stdout } = await promisify(execFile)(process.execPath, args)
        const waits = JSON.parse(stdout) as TokenWaits
        bench.record('p50 of our wait, ms', name, waits.addedP50Ms)
        bench.record('p99 of our wait, ms', name, waits.addedP99Ms)
        bench.record('50 at once : one', name, waits.fiftyMs / waits.oneMs)
      }
    }
  },
}
