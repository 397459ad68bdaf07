import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { releaseNotes } from '../../scripts/release-notes.ts'

const changelog = `# Changelog

## [0.3.0] - Unreleased

- Yet to come

## [0.2.0] - 2026-02-03

### Added

- A door

## [0.1.0] - 2026-01-02
`
const source = (packageVersion: string) => ({ packageVersion, changelog })

describe('the notes of a release', () => {
  test('are its part of the changelog, without the heading', () => {
    expect(releaseNotes('0.2.0', source('0.2.0'))).toBe('### Added\n\n- A door')
  })

  test.each([
    ['package.json is of version 0.2.0, not 0.3.0.', '0.3.0', '0.2.0'],
    ['package.json is of version 0.2.0, not none.', '', '0.2.0'],
    ['CHANGELOG.md has no part "## [0.4.0] - ".', '0.4.0', '0.4.0'],
    ['CHANGELOG.md has no date for 0.3.0.', '0.3.0', '0.3.0'],
    ['CHANGELOG.md says nothing of 0.1.0.', '0.1.0', '0.1.0'],
  ])('are refused: %s', (message, version, packageVersion) => {
    expect(() => releaseNotes(version, source(packageVersion))).toThrow(message)
  })
})

test('the changelog has a part for the version of the package', () => {
  const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
  const { version } = JSON.parse(read('package.json')) as { version: string }
  expect(read('CHANGELOG.md')).toContain(`\n## [${version}] - `)
})
