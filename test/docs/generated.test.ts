import { describe, expect, it } from 'vitest'
import { documents, fillTables } from '../../scripts/lib/docs/documents.ts'
import { settings } from '../../src/config/settings.ts'
import { errorTable } from '../../src/core/errors.ts'
import { createCatalogue } from '../../src/models/catalogue.ts'
import { readDocument } from './markdown.ts'

const rowsOf = (text: string): string[][] =>
  [...text.matchAll(/^\| (`?\w.*) \|$/gm)].map(([, row = '']) => row.split(/ *(?<!\\)\| */))
const between = (text: string, mark: string): string =>
  text.split(`<!-- ${mark} -->`)[1]?.split(`<!-- /${mark} -->`)[0] ?? ''

describe.each(documents())('$path', ({ path, tables }) => {
  const text = readDocument(path)

  it('is as `npm run docs` writes it', () => {
    expect(fillTables(text, tables), 'run: npm run docs').toBe(text)
  })
})

describe.each([
  ['README.md', 'docs/SETTINGS.md', 'docs/MODELS.md', 'docs/ERRORS.md'],
  ['docs/README.zh-CN.md', 'docs/SETTINGS.zh-CN.md', 'docs/MODELS.zh-CN.md', 'docs/ERRORS.zh-CN.md'],
])('%s and %s', (readmePath, settingsPath, modelsPath, errorsPath) => {
  const errors = readDocument(errorsPath)
  const readme = readDocument(readmePath)

  it('hold every setting, in order, with its default', () => {
    const rows = rowsOf(between(readDocument(settingsPath), 'settings')).filter(([name]) =>
      name?.startsWith('`'),
    )
    expect(rows.map(([name, unset]) => [name, unset])).toEqual(
      Object.values(settings).map((setting) => [
        `\`${setting.name}\``,
        setting.default ? `\`${setting.default}\`` : '',
      ]),
    )
    expect(rows.every(([, , about = '']) => about.length > 3)).toBe(true)
  })

  it('FINDINGS O24: tell what each setting accepts', () => {
    const rows = rowsOf(between(readDocument(settingsPath), 'settings'))
    const ranges = new Map(rows.map(([name = '', , , range = '']) => [name, range]))
    expect(ranges.get('`HEADER_HOLD_S`')).toMatch(/^0 (?:to|到) 55 (?:s|秒)$/)
    expect(ranges.get('`MAX_BODY_MB`')).toMatch(/^1 (?:to|到) 512 MB$/)
    expect(ranges.get('`TOKEN_PREFETCH`')).toMatch(/^0 (?:to|到) 100.+`auto`$/)
    expect(ranges.get('`GENSPARK_PROTOCOL`')).toBe('`copilot`, `agent`, `auto`')
    expect(ranges.get('`DEBUG_HEADERS`')).toBe('`0`, `1`')
  })

  it('name the settings to begin with in the README', () => {
    for (const name of ['GS_COOKIE', 'GENSPARK_API_KEY', 'API_SECRET', 'PORT', 'PROXY_URL', 'REDIS_URL'])
      expect(between(readme, 'main-settings')).toContain(`| \`${name}\` |`)
  })

  it('tell for every error its status, its type and what to do', () => {
    const rows = rowsOf(between(errors, 'errors')).filter(([status]) => /^\d+$/.test(status ?? ''))
    expect(rows.map(([status, code, type]) => [code, status, type]).sort()).toEqual(
      Object.entries(errorTable)
        .map(([code, { status, type }]) => [`\`${code}\``, String(status), `\`${type}\``])
        .sort(),
    )
    expect(rows.every(([, , , , remedy = '']) => remedy.length > 3)).toBe(true)
  })

  it.each([
    'All cookies are temporarily unavailable.',
    'Detected Cloudflare Challenge Page',
    'Genspark Service Unavailable',
  ])('tell what to do when the predecessor’s "%s" comes', (message) => {
    expect(between(errors, 'errors')).toContain(message)
  })

  it('name only settings that are there in what to do', () => {
    const known = new Set(Object.values(settings).map(({ name }) => name))
    const named = between(errors, 'errors').matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=\w+)?`/g)
    const unknown = [...named].map(([, name = '']) => name).filter((name) => !known.has(name))
    expect(unknown).toEqual([])
  })

  it('list every model of the catalogue with what is asked for it', () => {
    const text = readDocument(modelsPath)
    const catalogue = createCatalogue()
    const listed = catalogue.list()
    expect(listed.length).toBeGreaterThan(50)
    for (const { id } of listed) {
      const kind = catalogue.kindOf(id)
      const media = kind === 'text' ? undefined : catalogue.resolveMedia(id, kind)
      const { agent, copilot } = (media ?? catalogue.resolve(id)).upstreamIds
      const asked = [agent, copilot].map((ids) =>
        [ids]
          .flat()
          .map((each) => `\`${each}\``)
          .join(', '),
      )
      expect(between(text, `${kind}-models`)).toContain(`| \`${id}\` | ${asked.join(' | ')} |\n`)
    }
  })
})

describe('fillTables', () => {
  it('puts each table between its marks, again and again, `$` as it is', () => {
    const text = 'a\n<!-- x -->\nold\n<!-- /x -->\nb\n'
    const filled = fillTables(text, { x: '| $& |\n' })
    expect(filled).toBe('a\n<!-- x -->\n| $& |\n<!-- /x -->\nb\n')
    expect(fillTables(filled, { x: '| $& |\n' })).toBe(filled)
  })

  it('refuses a table without a place', () => {
    expect(() => fillTables('<!-- x -->', { x: '' })).toThrow('<!-- x -->')
  })
})
