import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readProjectFile, unknownSettings } from '../support/deployment.ts'

const root = join(import.meta.dirname, '../..')
const files = readdirSync(join(root, 'docs/deploy')).sort()
const english = files.filter((name) => !name.endsWith('.zh-CN.md'))
const read = (name: string) => readProjectFile(`docs/deploy/${name}`)
const twinOf = (name: string) => name.replace(/\.md$/, '.zh-CN.md')
const withoutCode = (text: string) => text.replaceAll(/^```.*?^```$/gms, '')
const linksIn = (text: string) =>
  [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
const codeIn = (text: string) => text.match(/^```.*?^```$/gms) ?? []
const headingsIn = (text: string) => withoutCode(text).match(/^#+ /gm) ?? []

test('there is a page for each platform, and an index', () => {
  expect(english).toEqual([
    'README.md',
    'browser.md',
    'docker.md',
    'hugging-face.md',
    'kubernetes.md',
    'render.md',
    'systemd.md',
    'zeabur.md',
  ])
})

test.each(['README.md', 'README.zh-CN.md'])('%s leads to every page of its language', (index) => {
  const pages = files.filter((name) => name.endsWith('.zh-CN.md') === index.endsWith('.zh-CN.md'))
  expect(linksIn(read(index))).toEqual(expect.arrayContaining(pages.filter((name) => name !== index)))
})

describe.each(english)('%s', (name) => {
  test('has a Chinese twin with the same headings and the same commands', () => {
    const twin = read(twinOf(name))
    expect(headingsIn(twin)).toEqual(headingsIn(read(name)))
    expect(codeIn(twin)).toEqual(codeIn(read(name)))
  })

  test('leads to its twin and back', () => {
    expect(linksIn(read(name))[0]).toBe(twinOf(name))
    expect(linksIn(read(twinOf(name)))[0]).toBe(name)
  })
})

const pages = [...files.map((name) => `docs/deploy/${name}`), 'CONTRIBUTING.md', 'CHANGELOG.md']

test.each(pages)('%s links only to what is there', (page) => {
  for (const link of linksIn(readProjectFile(page))) {
    if (/^https?:/.test(link)) continue
    const [path = '', anchor] = link.split('#')
    const target = join(root, dirname(page), path)
    expect(existsSync(target), link).toBe(true)
    if (anchor) expect(anchorsOf(readProjectFile(join(dirname(page), path))), link).toContain(anchor)
  }
})

/** As GitHub makes them of headings. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test.each(files)('%s names no setting that there is not', (name) => {
  const words = [...read(name).matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g)].map(([, word = '']) => word)
  expect(unknownSettings(words)).toEqual([])
})

test.each(files)('%s copies and installs only files that are there', (name) => {
  const commands = codeIn(read(name)).join('\n')
  const paths = commands.match(/(?<=\s)(?:deploy\/[\w./-]+|\.env\.example|package(?:-lock)?\.json|\.npmrc)/g)
  expect((paths ?? []).filter((path) => !existsSync(join(root, path)))).toEqual([])
})
