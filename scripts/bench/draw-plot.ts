import { type BenchReport, formatNumber, type GoalResult, judge } from './report.ts'

const width = 960
const left = 420
const rowHeight = 22
const colours = { aim: '#2e7d32', must: '#f9a825', missed: '#c62828' }

/** Each goal as a bar a target: how far its figure lies from the aim, on a scale of doublings. */
export function drawPlot(report: BenchReport): string {
  const results = judge(report)
  const height = 60 + results.length * rowHeight
  const scale = (width - left - 90) / 12
  const zero = left + 4 * scale
  const rows = results.map((result, index) => {
    const y = 40 + index * rowHeight
    const end = zero + Math.max(-4, Math.min(8, doublings(result))) * scale
    const label = `${result.goal.suite}: ${result.goal.figure}${result.goal.against ? ` / ${result.goal.against}` : ''} (${result.target})`
    return [
      `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${escapeXml(label)}</text>`,
      `<rect x="${Math.min(zero, end).toFixed(1)}" y="${y + 3}" width="${Math.max(2, Math.abs(end - zero)).toFixed(1)}" height="${rowHeight - 8}" fill="${colours[result.mark]}"/>`,
      `<text x="${(Math.max(zero, end) + 5).toFixed(1)}" y="${y + 13}">${formatNumber(result.value)}</text>`,
    ].join('')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>Each goal of the bench, and how far each checkout is from it</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${left}" y="20">better than the aim</text><text x="${zero + 5}" y="20">worse, a step is a doubling</text>
<line x1="${zero}" y1="28" x2="${zero}" y2="${height - 15}" stroke="#000"/>
${rows.join('\n')}
</svg>
`
}

/** From the aim; more than 0 is worse. */
function doublings({ goal, value }: GoalResult): number {
  if (goal.aim === 0) return value === 0 ? 0 : Number.MAX_VALUE
  if (value <= 0) return goal.wanted === 'at most' ? -Number.MAX_VALUE : Number.MAX_VALUE
  return Math.log2(goal.wanted === 'at most' ? value / goal.aim : goal.aim / value)
}

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
