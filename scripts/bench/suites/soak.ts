import type { Suite } from '../bench.ts'
import { rssMbOf } from '../measure-process.ts'

const plan = { tokens: 3, burst: true }
const steps = 20

export const soak: Suite = {
  name: 'soak',
  about: '200,000 small answers at C=32: how much RSS grows after the first quarter.',
  async run(bench) {
    const requests = Math.ceil(bench.options.requests / steps)
    await bench.rounds({ subjects: bench.targets, count: 1, fresh: true }, async (subject) => {
      const points: Point[] = []
      for (let step = 1; step <= steps; step += 1) {
        await subject.load(plan, { connections: 32, requests })
        points.push({ x: step, y: await rssMbOf(subject.pid) })
      }
      const late = points.slice(steps / 4 - 1)
      bench.record('RSS after a quarter, MB', subject.name, late[0]?.y ?? Number.NaN)
      bench.record('RSS at the end, MB', subject.name, late.at(-1)?.y ?? Number.NaN)
      bench.record('RSS slope, %', subject.name, growthPercent(late))
    })
  },
}

interface Point {
  readonly x: number
  readonly y: number
}

/** How far the last point lies above the first on the line that fits best: a single sample depends on when the collector last ran. */
export function growthPercent(points: readonly Point[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const meanX = mean(points.map(({ x }) => x))
  const meanY = mean(points.map(({ y }) => y))
  const covariance = mean(points.map(({ x, y }) => (x - meanX) * (y - meanY)))
  const variance = mean(points.map(({ x }) => (x - meanX) ** 2))
  const slope = covariance / variance
  const at = (x: number) => meanY + slope * (x - meanX)
  const first = at(points[0]?.x ?? 0)
  return ((at(points.at(-1)?.x ?? 0) - first) / first) * 100
}
