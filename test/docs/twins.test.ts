import { describe, expect, it } from 'vitest'
import { codeBlocks, links, readDocument, withoutCode } from './markdown.ts'

/** Tables that are made of the code are held equal by other means. */
const withoutTablesOfCode = (text: string): string =>
  text.replaceAll(/(?<=<!-- ([\w-]+) -->\n).*?(?=<!-- \/\1 -->)/gs, '')

describe.each([
  ['README.md', 'docs/README.zh-CN.md'],
  ['docs/SETTINGS.md', 'docs/SETTINGS.zh-CN.md'],
  ['docs/ERRORS.md', 'docs/ERRORS.zh-CN.md'],
  ['docs/MIGRATION.md', 'docs/MIGRATION.zh-CN.md'],
  ['docs/MODELS.md', 'docs/MODELS.zh-CN.md'],
  ['docs/ARCHITECTURE.md', 'docs/ARCHITECTURE.zh-CN.md'],
])('%s and its Chinese twin', (path, twinPath) => {
  const english = withoutTablesOfCode(readDocument(path))
  const chinese = withoutTablesOfCode(readDocument(twinPath))

  it('have the same headings, lists and rows, one for one', () => {
    const shape = (text: string) => withoutCode(text).match(/^(?:#+ |\d+\. | *- | *\|)/gm)
    expect(shape(chinese)).toEqual(shape(english))
  })

  it.each(['sh', 'ts', 'json', ''])('have the same code: %s', (language) => {
    expect(codeBlocks(chinese, language)).toEqual(codeBlocks(english, language))
  })

  it('have the same names in code letters', () => {
    const names = (text: string) =>
      [...withoutCode(text).matchAll(/`([^`\n]+)`/g)].map(([, name]) => name).sort()
    expect(names(chinese)).toEqual(names(english))
  })

  it('draw the same picture', () => {
    const arrows = (text: string) =>
      codeBlocks(text, 'mermaid')
        .join()
        .replaceAll(/\[".*?"\]/g, '')
    expect(arrows(chinese)).toEqual(arrows(english))
  })

  it('link the same pages', () => {
    const pages = (text: string) =>
      links(text)
        .map((link) =>
          link
            .replace(/#.*$/, '')
            .replace('.zh-CN', '')
            .replace(/^(?:\.\.\/|docs\/)/, ''),
        )
        .filter((page) => page !== '')
        .sort()
    expect(pages(chinese)).toEqual(pages(english))
  })
})
