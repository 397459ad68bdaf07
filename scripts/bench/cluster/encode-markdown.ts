import { type BenchReport, measuresOf, sumOfChecks } from './bench-report.ts'
import { decimal, whole } from './format-number.ts'
import type { Measures } from './measures.ts'
import { type Language, words } from './words.ts'

/** What stands between the marks of docs/SCALING.md. */
export function encodeMarkdown(report: BenchReport, language: Language): string {
  const text = words[language]
  const { replicas, accounts, scarce, deaths } = report
  return [
    text.machine(report.machine, report.mode),
    text.checks(sumOfChecks(measuresOf(report))),
    `![${text.chartTitle}](${chartName(language)})`,
    `### ${text.replicas.title}`,
    text.replicas.about,
    table(
      text.replicas.columns,
      replicas.map(({ full, steady }) => [
        whole(full.replicas),
        whole(full.leasesPerSecond),
        percent(full.redisLoad),
        decimal(full.perRequest.cpuUs),
        ...leaseTime(full),
        decimal(steady.perRequest.cpuUs),
        ...leaseTime(steady),
      ]),
    ),
    `### ${text.accounts.title}`,
    text.accounts.about,
    table(
      text.accounts.columns,
      accounts.map((each) => [
        whole(each.accounts),
        whole(each.leasesPerSecond),
        decimal(each.perRequest.roundTrips, 2),
        decimal(each.perRequest.commands),
        decimal(each.perRequest.cpuUs),
        decimal(each.perRequest.scriptUs),
        ...leaseTime(each),
        decimal(each.redisMemoryBytes / 2 ** 20),
      ]),
    ),
    `### ${text.fairness.title}`,
    text.fairness.about,
    table(
      text.fairness.columns,
      [...accounts, scarce].map(({ accounts, fairness, leasesPerSecond }) => [
        whole(accounts),
        whole(leasesPerSecond),
        whole(fairness.min),
        whole(fairness.max),
        decimal(fairness.variation, 2),
        decimal(fairness.variationOfChance, 2),
      ]),
    ),
    `### ${text.scarce.title}`,
    text.scarce.about(scarce),
    `### ${text.deaths.title}`,
    text.deaths.about(deaths),
    table(text.deaths.columns, [
      [
        whole(deaths.before),
        whole(deaths.meanwhile),
        whole(deaths.after),
        whole(deaths.longestPauseMs),
        `${decimal(deaths.back.first)} s`,
        `${decimal(deaths.back.last)} s`,
      ],
    ]),
    `### ${text.capacity.title}`,
    text.capacity.about(report.capacity, report.costs),
  ].join('\n\n')
}

export const chartName = (language: Language): string =>
  language === 'en' ? 'scaling.svg' : 'scaling.zh-CN.svg'

const leaseTime = ({ leaseMs }: Measures) => [decimal(leaseMs.p50), decimal(leaseMs.p99)]

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map(() => '---:')), ...rows.map(line)].join('\n')
}

const percent = (share: number) => `${Math.round(share * 100)} %`
