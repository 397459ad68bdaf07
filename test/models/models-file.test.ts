import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCatalogue } from '../../src/models/catalogue.ts'
import { ModelsFileError, openModelsFile, parseModelsFile } from '../../src/models/models-file.ts'

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
  expect(catalogue.list().map(({ id }) => id)).not.toContain('gpt-7')
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

const withFile = (file: unknown) => {
  const catalogue = createCatalogue({ clock: { now: () => Date.UTC(2026, 10, 1) } })
  catalogue.change(parseModelsFile(JSON.stringify(file)))
  return catalogue
}

const faultsOf = (text: string): readonly string[] => {
  try {
    createCatalogue().change(parseModelsFile(text))
  } catch (error) {
    if (error instanceof ModelsFileError) return error.faults
    throw error
  }
  return []
}

describe('a file', () => {
  test('adds a model, asked by its own id unless told', () => {
    const catalogue = withFile({
      text: [{ id: 'gpt-7' }, { id: 'fast', agent: 'gpt-7-flash' }],
      image: [{ id: 'my/painter', copilot: 'flux', agent: 'flux-2', displayName: 'Painter', ownedBy: 'me' }],
      video: [{ id: 'film', created: '2026-10-05' }],
    })
    expect(catalogue.resolve('gpt-7').upstreamIds).toEqual({ copilot: ['gpt-7'], agent: ['gpt-7'] })
    expect(catalogue.resolve('fast').upstreamIds).toEqual({
      copilot: ['gpt-7-flash'],
      agent: ['gpt-7-flash'],
    })
    expect(catalogue.resolveMedia('my/painter', 'image')?.upstreamIds).toEqual({
      copilot: 'flux',
      agent: 'flux-2',
    })
    expect(catalogue.find('my/painter')).toMatchObject({ displayName: 'Painter', ownedBy: 'me' })
    expect(catalogue.find('film')?.created).toBe(Date.UTC(2026, 9, 5) / 1000)
    expect(catalogue.find('gpt-7')?.created).toBe(Date.UTC(2026, 10, 1) / 1000)
  })

  test('changes a model and leaves the rest of it as it was', () => {
    const catalogue = withFile({ text: [{ id: 'gpt-4o', agent: 'gpt-6' }] })
    expect(catalogue.resolve('gpt-4o').upstreamIds).toEqual({ copilot: ['gpt-5.2'], agent: ['gpt-6'] })
    expect(catalogue.find('gpt-4o')).toEqual({
      ...createCatalogue().find('gpt-4o'),
      upstreamIds: { copilot: ['gpt-5.2'], agent: ['gpt-6'] },
    })
  })

  test('makes a mixture of several ids', () => {
    const catalogue = withFile({
      text: [
        { id: 'duo', agent: ['gpt-6', 'grok-4.7'] },
        { id: 'mixture-of-agents', agent: ['gpt-6', 'claude-opus-5'] },
      ],
    })
    expect(catalogue.resolve('duo')).toMatchObject({
      mixture: true,
      upstreamIds: { agent: ['gpt-6', 'grok-4.7'] },
    })
    expect(catalogue.resolve('no-such-model').upstreamIds.agent).toEqual(['gpt-6', 'claude-opus-5'])
  })

  test('gives further names, which win and are not shown', () => {
    const catalogue = withFile({
      text: [{ id: 'gpt-7', hidden: true }],
      aliases: { default: 'gpt-7', 'gpt-4o-mini': 'claude-4-5-haiku', brush: 'nano-banana-2' },
    })
    expect(catalogue.resolve('default').upstreamIds.agent).toEqual(['gpt-7'])
    expect(catalogue.resolve('GPT-4o-mini').upstreamIds.agent).toEqual(['claude-4-5-haiku'])
    expect(catalogue.kindOf('brush')).toBe('image')
    const ids = catalogue.list().map(({ id }) => id)
    expect(ids).not.toEqual(expect.arrayContaining(['gpt-7']))
    expect(catalogue.find('default')?.upstreamIds?.agent).toEqual(['gpt-7'])
  })

  test('takes names out; one that is gone falls to its family like any other', () => {
    const catalogue = withFile({ remove: ['gpt-6', 'flux', 'never-there'] })
    expect(catalogue.list().map(({ id }) => id)).not.toContain('gpt-6')
    expect(catalogue.resolve('gpt-6')).toMatchObject({ standIn: 'gpt-5.6' })
    expect(catalogue.resolveMedia('flux', 'image')).toBeUndefined()
  })

  test("wins over the site's lists, whichever came first", () => {
    const file = { text: [{ id: 'gpt-7', agent: 'gpt-6' }], remove: ['gpt-8'] }
    const catalogue = withFile(file)
    catalogue.update({ text: ['gpt-7', 'gpt-8'], image: [] })
    expect(catalogue.resolve('gpt-7').upstreamIds.agent).toEqual(['gpt-6'])
    expect(catalogue.list().map(({ id }) => id)).not.toContain('gpt-8')
  })

  test('takes the place of the one before', () => {
    const catalogue = withFile({ text: [{ id: 'gpt-7' }] })
    catalogue.change(parseModelsFile('{}'))
    expect(catalogue.list()).toEqual(createCatalogue().list())
  })

  test('may begin with a byte order mark', () => {
    expect(parseModelsFile('\uFEFF{}').models).toEqual([])
  })
})

describe('faults', () => {
  test('are told all at once, with their place', () => {
    expect(
      faultsOf(
        JSON.stringify({
          text: [{ id: 'has space' }, { name: 'gpt-7' }, { id: 'ok', agent: [] }],
          video: [{ id: 'film', agent: ['a', 'b'] }],
          models: [],
          remove: 'gpt-6',
        }),
      ),
    ).toEqual([
      'text[0].id: must be a name without white space',
      expect.stringMatching(/^text\[1\]\.id: /),
      expect.stringMatching(/^text\[1\]: .*name/),
      'text[2].agent: must be an id or a list of 1 to 5 ids',
      'video[0]: must name one id for each protocol: only text models are asked as a mixture',
      expect.stringMatching(/^remove: /),
      expect.stringMatching(/models/),
    ])
  })

  test.each(['', '[]', 'null', '{"text": [', '"gpt-7"'])('of %j are told in one line', (text) => {
    expect(faultsOf(text)).toHaveLength(1)
  })

  test('tell of an alias that points nowhere; nothing of the file is taken over', () => {
    const catalogue = createCatalogue()
    const changes = parseModelsFile('{"text":[{"id":"gpt-7"}],"aliases":{"fast":"gpt-77"}}')
    expect(() => catalogue.change(changes)).toThrow('aliases.fast: there is no model gpt-77')
    expect(catalogue.list().map(({ id }) => id)).not.toContain('gpt-7')
  })
})
