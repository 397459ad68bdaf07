import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createCatalogue } from '../../src/models/catalogue.ts'
import { openModelsFile } from '../../src/models/models-file.ts'

const gpt7 = '{"text":[{"id":"gpt-7"}]}'
const gpt8 = '{"text":[{"id":"gpt-8"}]}'

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'models-file-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Opens the file; `nextWord` is the next thing that is logged about it. */
function open(path: string) {
  const words: string[] = []
  const waiting: ((word: string) => void)[] = []
  const say = (fields: Readonly<Record<string, unknown>>, message: string) => {
    const word = fields.faults ? `${message} ${fields.faults}` : message
    const resolve = waiting.shift()
    if (resolve) resolve(word)
    else words.push(word)
  }
  const catalogue = createCatalogue()
  const logger = { debug: say, info: say, warn: say, error: say }
  const opened = openModelsFile({ path, catalogue, logger, lookEveryMs: 5 })
  onTestFinished(() => opened.close())
  const nextWord = (): Promise<string> => {
    const word = words.shift()
    return word === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(word)
  }
  return { catalogue, opened, nextWord, words }
}

const changed = 'MODELS_FILE has changed: its models are in force'

test('a file is in force from the start', () => {
  const file = join(temporaryFolder(), 'models.json')
  writeFileSync(file, gpt7)
  expect(open(file).catalogue.find('gpt-7')).toBeDefined()
})

test('a file that is missing or wrong is an error at the start', () => {
  const file = join(temporaryFolder(), 'models.json')
  expect(() => open(file)).toThrow('cannot be read')
  writeFileSync(file, '{"text":[{}]}')
  expect(() => open(file)).toThrow('text[0].id')
})

test('a file that is written anew is taken over', async () => {
  const file = join(temporaryFolder(), 'models.json')
  writeFileSync(file, gpt7)
  const { catalogue, nextWord } = open(file)
  writeFileSync(file, gpt8)
  expect(await nextWord()).toBe(changed)
  expect(catalogue.find('gpt-7')).toBeUndefined()
  expect(catalogue.find('gpt-8')).toBeDefined()
})

test('a file that an editor replaces by renaming is taken over, again and again', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'models.json')
  writeFileSync(file, gpt7)
  const { catalogue, nextWord } = open(file)
  for (const [text, id] of [
    [gpt8, 'gpt-8'],
    [gpt7, 'gpt-7'],
  ] as const) {
    writeFileSync(join(folder, 'models.json~'), text)
    renameSync(join(folder, 'models.json~'), file)
    expect(await nextWord()).toBe(changed)
    expect(catalogue.find(id)).toBeDefined()
  }
})

test('a volume that swaps its symbolic link, as Kubernetes does, is taken over', async () => {
  const folder = temporaryFolder()
  for (const [version, text] of [
    ['..1', gpt7],
    ['..2', gpt8],
  ] as const) {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'models.json'), text)
  }
  symlinkSync('..1', join(folder, '..data'))
  symlinkSync(join('..data', 'models.json'), join(folder, 'models.json'))
  const { catalogue, nextWord } = open(join(folder, 'models.json'))
  symlinkSync('..2', join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  expect(await nextWord()).toBe(changed)
  expect(catalogue.find('gpt-8')).toBeDefined()
})

test('a file that becomes wrong or goes away is warned of once, and the models stay', async () => {
  const file = join(temporaryFolder(), 'models.json')
  writeFileSync(file, gpt7)
  const { catalogue, nextWord, words } = open(file)
  writeFileSync(file, '{"text":[{"id":"gpt-8","agnet":"x"}]}')
  expect(await nextWord()).toMatch(/^MODELS_FILE is wrong: the models stay as they were .*agnet/)
  expect(catalogue.find('gpt-7')).toBeDefined()
  rmSync(file)
  expect(await nextWord()).toBe('MODELS_FILE is wrong: the models stay as they were cannot be read')
  expect(catalogue.find('gpt-7')).toBeDefined()
  writeFileSync(file, gpt8)
  expect(await nextWord()).toBe(changed)
  expect(catalogue.find('gpt-8')).toBeDefined()
  expect(words).toEqual([])
})
