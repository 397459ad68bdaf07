import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readDocument, root, withoutCode } from './markdown.ts'

const rows = [...readDocument('docs/GLOSSARY.md').matchAll(/^\| (.+) \| (.+) \| (.*)\|$/gm)].slice(2)
const unused = rows.flatMap(([, , , words = '']) => words.trim().split('、').filter(Boolean))
const pages = ['docs', 'docs/deploy'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.zh-CN.md'))
    .map((name) => `${folder}/${name}`),
)

it('has words to keep to', () => {
  expect(rows.length).toBeGreaterThan(15)
  expect(unused).toContain('令牌')
})

it.each(pages)('FINDINGS D7: %s keeps to the glossary', (page) => {
  const text = withoutCode(readDocument(page))
  // "Not there" is said of Redis alone; elsewhere it is a common word.
  const words = unused.map((word) => (word === '不在' ? 'Redis 不在' : word))
  expect(words.filter((word) => text.includes(word))).toEqual([])
})
