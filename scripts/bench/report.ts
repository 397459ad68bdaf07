import { median } from '../lib/statistics.ts'
import { type Goal, goals, type Mark, markGoal } from './goals.ts'

/** One thing measured of several subjects: a value a round, in the order of the rounds. */
export interface Figure {
  readonly suite: string
  readonly name: string
  readonly values: Readonly<Record<string, readonly number[]>>
}

export interface BenchReport {
  readonly date: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly node: string
    readonly os: string
    /** Load average when the run began: what else the machine was doing. */
    readonly loadBefore: number
  }
  readonly versions: Readonly<Record<string, string>>
  /** The targets: the other subjects are there to compare. */
  readonly targets: readonly string[]
  /** What the mock and the load generator manage between them. */
  readonly ceiling: Readonly<Record<string, number>>
  readonly figures: readonly Figure[]
  readonly failures: readonly string[]
}

export interface GoalResult {
  readonly goal: Goal
  readonly target: string
  readonly value: number
  readonly mark: Mark
}

/** The median over the rounds of a subject's value by another's of the same round. A difference may be below zero: it has no ratio. */
export function ratio(figure: Figure, subject: string, against: string): number {
  const others = figure.values[against] ?? []
  const ratios = (figure.values[subject] ?? []).map((value, round) => {
    const other = others[round] ?? 0
    return other > 0 ? value / other : Number.NaN
  })
  return median(ratios.filter((value) => !Number.isNaN(value)))
}

/** @returns one for each goal and target that were measured */
export function judge(report: BenchReport): readonly GoalResult[] {
  const results: GoalResult[] = []
  for (const goal of goals) {
    const figure = report.figures.find(({ suite, name }) => suite === goal.suite && name === goal.figure)
    if (!figure) continue
    for (const target of report.targets) {
      const values = figure.values[target]
      if (!values) continue
      const value = goal.against === undefined ? median(values) : ratio(figure, target, goal.against)
      if (!Number.isNaN(value)) results.push({ goal, target, value, mark: markGoal(goal, value) })
    }
  }
  return results
}

const baseline = 'translator'

/** The report as Markdown: goals, then every figure with its ratio to the translator's of the same round. */
export function encodeReport(report: BenchReport): string {
  const { machine, versions } = report
  const names = [...new Set(report.figures.flatMap(({ values }) => Object.keys(values)))]
  const order = ['direct', baseline, 'bare Koa', 'Portkey', ...report.targets]
  names.sort((a, b) => order.indexOf(a) - order.indexOf(b))

  const rows = report.figures.map((figure) => [
    figure.suite,
    figure.name,
    ...names.map((name) => cell(figure, name)),
  ])
  const goalRows = goals.flatMap((goal) => {
    const results = judge(report).filter((result) => result.goal === goal)
    if (results.length === 0) return []
    const bound = (value: number) => `${goal.wanted} ${formatNumber(value)}`
    return [
      [
        goal.suite,
        goal.figure,
        goal.against ?? '-',
        bound(goal.must),
        bound(goal.aim),
        ...report.targets.map((target) => {
          const result = results.find((each) => each.target === target)
          return result ? `${formatNumber(result.value)} ${result.mark}` : '-'
        }),
      ],
    ]
  })
  return [
    `${report.date}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.os}, load ${machine.loadBefore.toFixed(1)} before the run; ${encodePairs(versions)}.`,
    `Ceiling of the mock and the load generator: ${encodePairs(report.ceiling, formatNumber)}.`,
    '',
    ...table(['suite', 'goal', 'against', 'must', 'aim', ...report.targets], goalRows),
    '',
    `Medians; in brackets the ratio to the ${baseline} within the same round.`,
    '',
    ...table(['suite', 'figure', ...names], rows),
    ...(report.failures.length > 0 ? ['', 'Failures:', ...report.failures.map((text) => `- ${text}`)] : []),
    '',
  ].join('\n')
}

function encodePairs<T>(pairs: Readonly<Record<string, T>>, format: (value: T) => string = String): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name} ${format(value)}`)
    .join(', ')
}

function cell(figure: Figure, name: string): string {
  const values = figure.values[name]
  if (!values) return '-'
  const text = formatNumber(median(values))
  if (name === baseline || !figure.values[baseline]) return text
  const relative = ratio(figure, name, baseline)
  return Number.isNaN(relative) ? text : `${text} (${formatNumber(relative)})`
}

export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return '-'
  if (!Number.isFinite(value)) return 'never'
  if (Math.abs(value) >= 100 || value === 0) return Math.round(value).toLocaleString('en')
  return value.toPrecision(Math.abs(value) < 0.995 ? 2 : 3)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)]
}
