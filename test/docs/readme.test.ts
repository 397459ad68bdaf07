import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { withSettings } from '../../scripts/docs.ts'
import { settings } from '../../src/config/settings.ts'
import { errorTable } from '../../src/core/errors.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('the documents', () => {
  it('hold the settings table of the code', () => {
    const readme = read('README.md')
    expect(readme).toContain('| `GS_COOKIE` |')
    expect(withSettings(readme), 'run: npm run docs').toBe(readme)
  })

  it.each(['README.md'])('name every setting in %s', (path) => {
    const text = read(path)
    const missing = Object.values(settings).filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(text))
    expect(missing.map(({ name }) => name)).toEqual([])
  })

  it.each(['README.md'])('tell in %s what to do about each error that an operator meets', (path) => {
    const text = read(path)
    for (const code of [
      'invalid_api_key',
      'all_accounts_cooling',
      'no_account_available',
      'token_unavailable',
      'upstream_challenge',
    ])
      expect(Object.keys(errorTable).includes(code) && text.includes(code), code).toBe(true)
  })
})
