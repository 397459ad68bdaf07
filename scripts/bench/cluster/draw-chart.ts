import type { BenchReport } from './bench-report.ts'
import { type Language, words } from './words.ts'

interface Series {
  readonly name: string
  readonly points: readonly (readonly [number, number])[]
  readonly color: 'a' | 'b'
}

interface Panel {
  readonly title: string
  readonly series: readonly Series[]
  readonly xAxis: string
  readonly xScale: 'log' | 'linear'
  /** Upright lines with a word each. */
  readonly marks?: readonly { readonly x: number; readonly text: string }[]
}

interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

const size = { width: 960, height: 640 }
const margin = { left: 58, right: 24, top: 58, bottom: 46 }
const gridLines = 4

/** The figures of a report in four panels; an SVG that brings its own ground, for light and dark. */
export function drawChart(report: BenchReport, language: Language): string {
  const boxes = [0, 1, 2, 3].map((index) => boxAt(index % 2, Math.floor(index / 2)))
  const panels = panelsOf(report, language).map((panel, index) =>
    drawPanel(panel, boxes[index] ?? boxAt(0, 0)),
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img">
<title>${words[language].chartTitle}</title>
<style>${style}</style>
<rect class="ground" width="${size.width}" height="${size.height}" rx="8"/>
${panels.join('\n')}
</svg>
`
}

const style = `
text { font: 13px system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans CJK SC', sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.faint { fill: #59636e; font-size: 12px }
.ground { fill: #ffffff } .grid { stroke: #d1d9e0 } .mark { stroke: #59636e; stroke-dasharray: 4 3 }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
.a { stroke: #0969da } .dot.a, .name.a { fill: #0969da; stroke: none }
.b { stroke: #bc4c00 } .dot.b, .name.b { fill: #bc4c00; stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .faint { fill: #9198a1 }
.ground { fill: #0d1117 } .grid { stroke: #3d444d } .mark { stroke: #9198a1 }
.a { stroke: #4493f8 } .dot.a, .name.a { fill: #4493f8 }
.b { stroke: #f0883e } .dot.b, .name.b { fill: #f0883e }
}
`

function panelsOf({ replicas, accounts, deaths }: BenchReport, language: Language): readonly Panel[] {
  const { chart } = words[language]
  const overReplicas = (pick: (row: (typeof replicas)[number]) => number) =>
    replicas.map((row) => [row.steady.replicas, pick(row)] as const)
  return [
    {
      title: chart.throughput,
      xAxis: chart.replicas,
      xScale: 'log',
      series: [{ name: '', color: 'a', points: overReplicas(({ full }) => full.leasesPerSecond) }],
    },
    {
      title: chart.cost,
      xAxis: `${chart.replicas} / ${chart.accounts}`,
      xScale: 'log',
      series: [
        {
          name: chart.overReplicas,
          color: 'a',
          points: overReplicas(({ steady }) => steady.perRequest.cpuUs),
        },
        {
          name: chart.overAccounts,
          color: 'b',
          points: accounts.map((each) => [each.accounts, each.perRequest.cpuUs]),
        },
      ],
    },
    {
      title: chart.latency,
      xAxis: chart.replicas,
      xScale: 'log',
      series: [
        { name: chart.half, color: 'a', points: overReplicas(({ steady }) => steady.leaseMs.p50) },
        { name: chart.most, color: 'b', points: overReplicas(({ steady }) => steady.leaseMs.p99) },
      ],
    },
    {
      title: chart.deaths,
      xAxis: chart.seconds,
      xScale: 'linear',
      series: [
        { name: '', color: 'a', points: deaths.timeline.map((leases, second) => [second + 0.5, leases]) },
      ],
      marks: [
        { x: deaths.killedAt, text: chart.kill },
        { x: deaths.killedAt + deaths.leaseSeconds, text: chart.back },
      ],
    },
  ]
}

function boxAt(column: number, row: number): Box {
  const width = size.width / 2
  const height = size.height / 2
  return {
    left: column * width + margin.left,
    top: row * height + margin.top,
    width: width - margin.left - margin.right,
    height: height - margin.top - margin.bottom,
  }
}

function drawPanel({ title, series, xAxis, xScale, marks = [] }: Panel, box: Box): string {
  const points = series.flatMap((each) => each.points)
  const topValue = roundUp(Math.max(...points.map(([, y]) => y), 1e-3))
  const places = [...points.map(([x]) => x), ...marks.map(({ x }) => x)]
  const toX = scaleOf(places, xScale, box)
  const toY = (value: number) => box.top + box.height * (1 - value / topValue)
  const bottom = box.top + box.height
  const gridValues = Array.from({ length: gridLines + 1 }, (_, line) => (line * topValue) / gridLines)
  return [
    write(title, box.left, box.top - 32, 'title'),
    ...gridValues.flatMap((value) => [
      line(box.left, toY(value), box.left + box.width, toY(value), 'grid'),
      write(shortNumber(value), box.left - 8, toY(value) + 4, 'faint', 'end'),
    ]),
    ...ticksOf(places, xScale).map((x) => write(shortNumber(x), toX(x), bottom + 18, 'faint', 'middle')),
    write(xAxis, box.left + box.width, bottom + 36, 'faint', 'end'),
    ...marks.flatMap(({ x, text }) => [
      line(toX(x), box.top, toX(x), bottom, 'mark'),
      write(text, toX(x) + 5, bottom - 8, 'faint'),
    ]),
    ...series.map((each) => drawSeries(each, toX, toY)),
    ...series.map(({ name, color }, index) =>
      write(name, box.left + index * 110, box.top - 12, `name ${color}`),
    ),
  ].join('\n')
}

type Scale = (value: number) => number

function drawSeries({ points, color }: Series, toX: Scale, toY: Scale): string {
  const places = points.map(([x, y]) => [fixed(toX(x)), fixed(toY(y))] as const)
  const path = `<polyline class="line ${color}" points="${places.map((place) => place.join(',')).join(' ')}"/>`
  if (points.length > manyPoints) return path
  return path + places.map(([x, y]) => `<circle class="dot ${color}" cx="${x}" cy="${y}" r="4"/>`).join('')
}

/** Beyond it the dots would hide the line. */
const manyPoints = 12

function scaleOf(values: readonly number[], kind: Panel['xScale'], { left, width }: Box): Scale {
  const place = kind === 'log' ? Math.log10 : (value: number) => value
  const [first, last] =
    kind === 'log' ? [Math.min(...values), Math.max(...values)] : [0, Math.max(...values) + 0.5]
  const span = place(last) - place(first) || 1
  return (value) => left + ((place(value) - place(first)) / span) * width
}

function ticksOf(values: readonly number[], kind: Panel['xScale']): readonly number[] {
  const all = [...new Set(values)].toSorted((a, b) => a - b)
  // A decade apart from its third there is room for both, not over four decades.
  if (kind === 'log') return all.length > 5 ? all.filter((value) => Number.isInteger(Math.log10(value))) : all
  const step = roundUp(Math.max(...values) / 6)
  return Array.from({ length: Math.floor(Math.max(...values) / step) + 1 }, (_, index) => index * step)
}

/** To 1, 2, 4, 5 or 8 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 4, 5, 8].find((step) => step * power >= value) ?? 10) * power
}

const shortNumber = (value: number): string =>
  value >= 10_000 ? `${value / 1000}k` : Number(value.toPrecision(3)).toLocaleString('en-US')

const fixed = (value: number) => value.toFixed(1)

const line = (x1: number, y1: number, x2: number, y2: number, kind: string) =>
  `<line class="${kind}" x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"/>`

const write = (
  text: string,
  x: number,
  y: number,
  kind: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
) => text && `<text class="${kind}" x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${text}</text>`
