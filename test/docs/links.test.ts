import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchors, links, readDocument, root } from './markdown.ts'

const notOurs = new Set(['node_modules', '.git', '.tools', 'data', 'coverage'])

describe.each(markdownFiles(root))('%s', (path) => {
  const text = readDocument(path)

  it('links only what is there', () => {
    const broken = links(text).filter(
      (link) => !/^(?:https?|mailto):/.test(link) && !leadsSomewhere(path, link),
    )
    expect(broken).toEqual([])
  })
})

describe('an anchor', () => {
  it('is made as GitHub does it', () => {
    const text = '# One-api & Co.\n## `a_b`: C\n## 第一个账号\n## Twice\n## Twice\n```sh\n# no heading\n```\n'
    expect([...anchors(text)]).toEqual(['one-api--co', 'a_b-c', '第一个账号', 'twice', 'twice-1'])
  })
})

function leadsSomewhere(from: string, link: string): boolean {
  const [path = '', anchor] = decodeURI(link).split('#')
  const target = path === '' ? from : relative(root, join(root, dirname(from), path))
  if (!existsSync(join(root, target))) return false
  return anchor === undefined || anchors(readDocument(target)).has(anchor)
}

function markdownFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : markdownFiles(path)
    return entry.name.endsWith('.md') ? [relative(root, path)] : []
  })
}
