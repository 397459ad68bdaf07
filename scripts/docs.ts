// Writes the settings table of README.md from the settings that the code knows. Usage: npm run docs

import { readFileSync, writeFileSync } from 'node:fs'
import { settings } from '../src/config/settings.ts'

const readme = new URL('../README.md', import.meta.url)
const marked = /(?<=<!-- settings -->\n).*?(?=<!-- \/settings -->)/s

if (import.meta.main) writeFileSync(readme, withSettings(readFileSync(readme, 'utf8')))

/** The same text with a fresh table between its two marks. */
export function withSettings(text: string): string {
  return text.replace(marked, settingsTable)
}

function settingsTable(): string {
  const rows = Object.values(settings).map(
    ({ name, default: unset, about, later }) =>
      `| \`${name}\` | ${unset ? `\`${unset}\`` : ''} | ${escapeCell(about)}${later ? ' *Later.*' : ''} |`,
  )
  return ['| name | default | meaning |', '|---|---|---|', ...rows, ''].join('\n')
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
