// Prints what CHANGELOG.md says of a version that is to be released. Usage: node scripts/release-notes.ts 0.1.0

import { readFileSync } from 'node:fs'

if (import.meta.main) {
  const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')
  const { version: packageVersion } = JSON.parse(read('package.json')) as { version: string }
  try {
    const notes = releaseNotes(process.argv[2] ?? '', { packageVersion, changelog: read('CHANGELOG.md') })
    process.stdout.write(`${notes}\n`)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
}

/** The version's part of the changelog, without its heading.
 *  @throws {Error} when the package bears another version, or the changelog has no dated part that says something */
export function releaseNotes(
  version: string,
  { packageVersion, changelog }: { readonly packageVersion: string; readonly changelog: string },
): string {
  if (version !== packageVersion)
    throw new Error(`package.json is of version ${packageVersion}, not ${version || 'none'}.`)
  const parts = changelog.split(/^## /m)
  const part = parts.find((text) => text.startsWith(`[${version}] - `))
  if (!part) throw new Error(`CHANGELOG.md has no part "## [${version}] - ".`)
  const [heading = '', ...lines] = part.split('\n')
  if (!/ - \d{4}-\d{2}-\d{2}$/.test(heading)) throw new Error(`CHANGELOG.md has no date for ${version}.`)
  const notes = lines.join('\n').trim()
  if (notes === '') throw new Error(`CHANGELOG.md says nothing of ${version}.`)
  return notes
}
