import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { settings } from '../../src/config/settings.ts'
import { createCatalogue } from '../../src/models/catalogue.ts'
import { parseModelsFile } from '../../src/models/models-file.ts'

const guide = readFileSync(new URL('../../docs/MIGRATION.md', import.meta.url), 'utf8')
const section = (title: string): string => guide.split(/^##+ /m).find((part) => part.startsWith(title)) ?? ''
const cells = (text: string): string[][] =>
  [...text.matchAll(/^\| (`.+) \|$/gm)].map(([, row = '']) => row.split(/ *\| */))
const names = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

test('the settings of the predecessor bear their present defaults', () => {
  const rows = cells(section('Settings of genspark2api'))
  expect(rows.length).toBe(18)
  for (const [name = '', unset] of rows) {
    const setting = Object.values(settings).find((each) => each.name === names(name)[0])
    expect(setting?.default ?? '', name).toBe(names(unset)[0] ?? '')
  }
})

test('the model table says what is asked', () => {
  const catalogue = createCatalogue()
  const rows = cells(section('Model names'))
  expect(rows.length).toBe(15)
  for (const [asked, copilot, agent] of rows) {
    for (const name of names(asked)) {
      const kind = catalogue.kindOf(name)
      const { upstreamIds } =
        kind === 'text' ? catalogue.resolve(name) : (catalogue.resolveMedia(name, kind) ?? {})
      expect([upstreamIds?.copilot, upstreamIds?.agent].flat(), name).toEqual([
        ...names(copilot),
        ...names(agent),
      ])
    }
  }
})

test('the example of MODELS_FILE can be taken as it stands', () => {
  const [, example = ''] = /```json\n(.+?)```/s.exec(section('MODELS_FILE')) ?? []
  const catalogue = createCatalogue()
  catalogue.change(parseModelsFile(example))
  expect(catalogue.resolve('default').upstreamIds.agent).toEqual(['claude-sonnet-5'])
  expect(catalogue.kindOf('painter')).toBe('image')
})

test('FINDINGS D3: whoever moves a container is told of the port of the old service', () => {
  expect(section('Container by container')).toContain('PORT=7055')
  const row = cells(section('Settings of genspark2api')).find(([name]) => name === '`PORT`')
  expect(row?.[2]).toContain('7055')
})
