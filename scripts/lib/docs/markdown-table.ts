/** A table that ends with a line break. Cells are text in which `code` may stand. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows.map((row) => row.map(escapeCell))].map(joinRow).join('')
}

export const code = (text: string): string => (text === '' ? '' : `\`${text}\``)

const joinRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

export type Language = 'en' | 'zh-CN'
