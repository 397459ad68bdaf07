import { readFileSync, writeFileSync } from 'node:fs'
import type { BenchReport } from './bench-report.ts'
import { drawChart } from './draw-chart.ts'
import { chartName, encodeMarkdown } from './encode-markdown.ts'
import type { Language } from './words.ts'

const docs = new URL('../../../docs/', import.meta.url)
const files = { en: 'SCALING.md', zh: 'SCALING.zh-CN.md' } as const
const marked = /(?<=<!-- measured -->\n).*?(?=<!-- \/measured -->)/s

export function writeDocs(report: BenchReport): void {
  for (const language of ['en', 'zh'] as const) {
    const file = new URL(files[language], docs)
    writeFileSync(file, withReport(readFileSync(file, 'utf8'), report, language))
    writeFileSync(new URL(chartName(language), docs), drawChart(report, language))
  }
}

/** The same text with the report between its two marks. */
export function withReport(text: string, report: BenchReport, language: Language): string {
  if (!marked.test(text)) throw new Error('There are no marks to write between.')
  return text.replace(marked, () => `\n${encodeMarkdown(report, language)}\n\n`)
}
