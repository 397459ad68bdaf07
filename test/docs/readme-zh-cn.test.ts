import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { settings } from '../../src/config/settings.ts'

const readme = readFileSync(new URL('../../docs/README.zh-CN.md', import.meta.url), 'utf8')
const english = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

test('the Chinese table holds every setting, in order, with its default and whether it is for later', () => {
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (?:`(.*?)`)? \| (.+) \|$/gm)]
  expect(rows.map(([, name, unset = '', about]) => [name, unset, about?.endsWith('*稍后支持。*')])).toEqual(
    Object.values(settings).map((setting) => [setting.name, setting.default ?? '', setting.later]),
  )
})

test('the Chinese text has a section for every English one', () => {
  const sections = (text: string) => text.match(/^## .+$/gm)?.length
  expect(sections(readme)).toBe(sections(english))
})
