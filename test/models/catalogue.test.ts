import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type WireGeneration, wireGenerations } from '../../src/core/wire-generation.ts'
import { createCatalogue } from '../../src/models/catalogue.ts'
import { type ModelKind, modelAliases, modelKinds, models } from '../../src/models/models.ts'

const catalogue = createCatalogue()
const mixture = {
  copilot: ['gpt-5.1-low', 'claude-sonnet-4-5', 'gemini-3-pro-preview'],
  agent: ['gpt-5.6-luna', 'claude-sonnet-5', 'gemini-3.7-flash'],
}

describe('text models', () => {
  test.each([
    ['claude-sonnet-5', 'claude-sonnet-5', 'claude-sonnet-5'],
    ['Claude-Sonnet-5', 'claude-sonnet-5', 'claude-sonnet-5'],
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5', 'claude-sonnet-4-5'],
    ['claude-sonnet-4.5', 'claude-sonnet-4-5', 'claude-sonnet-4-5'],
    ['claude-3-5-sonnet-20241022', 'claude-sonnet-4-6', 'claude-sonnet-4'],
    ['claude-3-7-sonnet-latest', 'claude-sonnet-4-6', 'claude-sonnet-4'],
    ['gpt-4o-2024-08-06', 'gpt-5.2', 'gpt-5.4'],
    ['glm-5.3', 'GLM-5.3', 'GLM-5.3'],
    ['o3-pro', 'o3-pro', 'gpt-5.5-pro'],
    // FINDINGS U9: the site's spelling has a hyphen.
    ['deepseek-v4-pro', 'deep-seek-v4-pro', 'deep-seek-v4-pro'],
    ['deep-seek-v4-pro', 'deep-seek-v4-pro', 'deep-seek-v4-pro'],
    ['deepseek-v4-flash', 'deep-seek-v4-flash', 'deep-seek-v4-flash'],
    ['deepseek-r1', 'deep-seek-r1', 'deep-seek-v4-pro'],
    ['deepseek-chat', 'deep-seek-v3', 'deep-seek-v4-flash'],
    ['gpt-4o-mini', 'gpt-5.1-low', 'gpt-5.4-mini'],
    ['gpt-4.1-mini-2025-04-14', 'gpt-5.1-low', 'gpt-5.4-mini'],
    ['gpt-3.5-turbo', 'gpt-5.1-low', 'gpt-5.4-mini'],
    ['claude-3-haiku-20240307', 'claude-4-5-haiku', 'claude-4-5-haiku'],
    ['claude-3-5-haiku-latest', 'claude-4-5-haiku', 'claude-4-5-haiku'],
    ['claude-haiku-4-5-20251001', 'claude-4-5-haiku', 'claude-4-5-haiku'],
  ])('%s is asked as %s of copilot and %s of agent', (name, copilot, agent) => {
    expect(catalogue.resolve(name)).toEqual({
      id: name,
      upstreamIds: { copilot: [copilot], agent: [agent] },
      mixture: false,
      search: false,
    })
  })

  test.each(['gpt-5.4', 'gpt-4o', 'gpt-4o-mini', 'deepseek-r1'])('-search asks %s for web search', (name) => {
    expect(catalogue.resolve(`${name}-search`)).toEqual({
      ...catalogue.resolve(name),
      id: `${name}-search`,
      search: true,
    })
  })

  test.each(['claude-3-7-sonnet-thinking', 'deep-seek-r1'])(
    '%s thinks aloud where that can be read',
    (name) => {
      const [asked] = catalogue.resolve(name).upstreamIds.copilot
      expect(['claude-sonnet-4-thinking', 'deep-seek-r1']).toContain(asked)
    },
  )

  test.each([
    ['mixture-of-agents', false],
    ['mixture-of-agents-search', true],
    ['no-such-model', false],
    ['no-such-model-search', true],
    ['-search', true],
    ['flux', false],
    ['__proto__', false],
    ['', false],
  ])('"%s" is a mixture', (name, search) => {
    const standIn = name.startsWith('mixture') ? {} : { standIn: 'mixture-of-agents' }
    expect(catalogue.resolve(name)).toEqual({
      id: name,
      upstreamIds: mixture,
      mixture: true,
      search,
      ...standIn,
    })
  })
})

describe('a name that is not known falls to the newest of its family (FINDINGS U4)', () => {
  test.each([
    ['gpt-6.2-sol', 'gpt-6-sol'],
    ['gpt-5-codex', 'gpt-6'],
    ['gpt-5.1-codex-max', 'gpt-6'],
    ['gpt-5.1-codex-mini', 'gpt-5.4-mini'],
    ['gpt-4', 'gpt-6'],
    ['gpt-4-turbo', 'gpt-6'],
    ['chatgpt-4o-latest', 'gpt-6'],
    ['gpt-5.6-mini', 'gpt-5.4-mini'],
    ['gpt-6-mini', 'gpt-5.4-mini'],
    ['claude-haiku-5', 'claude-4-5-haiku'],
    ['claude-3-opus-20240229', 'claude-opus-5-5'],
    ['sonnet', 'claude-sonnet-5'],
    ['opus', 'claude-opus-5-5'],
    ['haiku', 'claude-4-5-haiku'],
    ['claude-sonnet-6[1m]', 'claude-sonnet-5'],
    ['gemini-flash-latest', 'gemini-3.8-flash'],
    ['gemini-4-pro', 'gemini-3.1-pro-preview'],
    ['grok-3', 'grok-4.7'],
    ['grok-4-fast', 'grok-4.7'],
    ['grok-code-fast-1', 'grok-4.7'],
    ['kimi-k2', 'kimi-k3'],
    ['glm-4.6', 'glm-5p3'],
    ['z-ai/glm-4.6', 'glm-5p3'],
    ['deepseek-v3.2', 'deep-seek-v4.1-flash'],
    ['deepseek-ai/DeepSeek-R2', 'deep-seek-v4-pro'],
    ['us.anthropic.claude-opus-6-v1:0', 'claude-opus-5-5'],
  ])('%s to %s', (name, asked) => {
    const { upstreamIds, mixture: isMixture, id, standIn } = catalogue.resolve(name)
    expect([id, isMixture, upstreamIds.agent]).toEqual([name, false, [asked.replace('glm-5p3', 'GLM-5.3')]])
    expect(standIn).toBeDefined()
  })

  test.each([
    ['openai/gpt-5', 'gpt-5'],
    ['anthropic/claude-sonnet-4.5', 'claude-sonnet-4-5'],
    ['claude-sonnet-5[1m]', 'claude-sonnet-5'],
    ['gpt-3.5-turbo-0125', 'gpt-5.4-mini'],
    ['gemini-3-flash', 'gemini-3-flash-preview'],
    ['deepseek-ai/DeepSeek-R1-0528', 'deep-seek-v4-pro'],
    ['gemini-3.1-pro', 'gemini-3.1-pro-preview'],
    ['models/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5'],
    ['claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
  ])('%s is %s by another spelling', (name, asked) => {
    expect(catalogue.resolve(name)).toEqual({
      id: name,
      upstreamIds: expect.objectContaining({ agent: [asked] }),
      mixture: false,
      search: false,
    })
  })

  test.each(['text-embedding-3-small', 'tts-1', 'whisper-1', 'omni-moderation-latest'])(
    '%s is no chat model',
    (name) => {
      expect(() => catalogue.resolve(name)).toThrow(
        expect.objectContaining({ code: 'model_not_found', retryable: false }),
      )
    },
  )
})

describe('image and video models', () => {
  test.each([
    ['gpt-image-2.5', 'fal-ai/gpt-image-1.5', 'gpt-image-2.5'],
    ['nano-banana-2', 'nano-banana-2', 'nano-banana-2'],
    ['seedream-v5-lite', 'fal-ai/bytedance/seedream/v5/lite', 'seedream-v5-lite'],
    ['fal-ai/flux-2', 'fal-ai/flux-2', 'flux-2'],
    ['ideogram/v_2a', 'ideogram/V_3', 'ideogram/V_3'],
    ['dall-e-3', 'dalle-3', 'gpt-image-2'],
    ['dall-e-2', 'fal-ai/gpt-image-1.5', 'gpt-image-2'],
    ['gpt-image-1', 'fal-ai/gpt-image-1.5', 'gpt-image-2'],
    ['chatgpt-image-latest', 'fal-ai/gpt-image-1.5', 'gpt-image-2'],
  ])('the image model %s is asked as %s of copilot and %s of agent', (name, copilot, agent) => {
    expect(catalogue.kindOf(name)).toBe('image')
    expect(catalogue.resolveMedia(name, 'image')).toEqual({
      id: name,
      kind: 'image',
      upstreamIds: { copilot, agent },
    })
  })

  test.each([
    ['sora-2', 'sora-2'],
    ['kling/v1.6/standard', 'kling/v3'],
    ['gemini/veo2', 'gemini/veo3.1'],
    ['hunyuan', 'hunyuan'],
  ])('the video model %s is asked as %s of both', (name, asked) => {
    expect(catalogue.kindOf(name)).toBe('video')
    expect(catalogue.resolveMedia(name, 'video')).toEqual({
      id: name,
      kind: 'video',
      upstreamIds: { copilot: asked, agent: asked },
    })
  })

  test('a name of another kind, or of none, is not found', () => {
    expect(catalogue.resolveMedia('sora-2', 'image')).toBeUndefined()
    expect(catalogue.resolveMedia('flux', 'video')).toBeUndefined()
    expect(catalogue.resolveMedia('gpt-5.4', 'image')).toBeUndefined()
    expect(catalogue.resolveMedia('__proto__', 'image')).toBeUndefined()
    expect(catalogue.kindOf('no-such-model')).toBe('text')
    expect(catalogue.kindOf('gpt-5.4-search')).toBe('text')
  })
})

describe("the names of the predecessor's README", () => {
  const text = [
    ...[
      'gpt-4o',
      'o1',
      'o3-mini-high',
      'claude-3-5-sonnet',
      'claude-3-7-sonnet',
      'claude-3-7-sonnet-thinking',
    ],
    ...['claude-3-5-haiku', 'gemini-2.0-flash', 'deep-seek-v3', 'deep-seek-r1'],
  ]
  const image = [
    ...['flux', 'flux-speed', 'flux-pro/ultra', 'ideogram', 'ideogram/V_2A', 'recraft-v3', 'dall-e-3'],
    'imagen3',
  ]

  test.each(text)('%s is shown, and asked of each protocol by a name that the site has listed', (name) => {
    expect(catalogue.find(name)).toBeDefined()
    const { upstreamIds, mixture } = catalogue.resolve(name)
    expect(mixture).toBe(false)
    expect(idsSeen.text).toEqual(expect.arrayContaining([...upstreamIds.copilot, ...upstreamIds.agent]))
    expect(offeredBy('text', 'agent')).toContain(upstreamIds.agent[0])
  })

  test.each(image)('%s is shown, and asked of each protocol by a name that the site has listed', (name) => {
    expect(catalogue.find(name)).toBeDefined()
    const upstreamIds = catalogue.resolveMedia(name, 'image')?.upstreamIds
    expect(idsSeen.image).toEqual(expect.arrayContaining(Object.values(upstreamIds ?? { none: 'none' })))
  })
})

describe('the list', () => {
  const list = catalogue.list()

  test("shows today's models first, text before images before videos", () => {
    expect(list[0]).toEqual({
      id: 'gpt-6',
      created: Date.UTC(2026, 8, 23) / 1000,
      ownedBy: 'openai',
      displayName: 'GPT 6',
      endpointTypes: ['openai', 'anthropic', 'openai-response', 'gemini'],
      contextLength: 400_000,
      upstreamIds: { copilot: ['gpt-6'], agent: ['gpt-6'] },
    })
    const kinds = list.map(({ id }) => catalogue.kindOf(id))
    expect(kinds).toEqual(kinds.toSorted((one, other) => modelKinds.indexOf(one) - modelKinds.indexOf(other)))
    const ids = list.map(({ id }) => id)
    expect(ids.indexOf('gpt-4o')).toBeGreaterThan(ids.indexOf('grok-4-0709'))
    expect(ids.indexOf('flux')).toBeGreaterThan(ids.indexOf('qwen-image'))
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('tells the day on which a model was first seen', () => {
    expect(catalogue.find('claude-sonnet-4-5')?.created).toBe(Date.UTC(2025, 9, 12) / 1000)
    expect(list.every(({ created }) => Number.isInteger(created))).toBe(true)
  })

  test.each([
    [
      'claude-sonnet-4-6',
      {
        ownedBy: 'anthropic',
        displayName: 'Claude Sonnet 4.6',
        endpointTypes: ['openai', 'anthropic', 'openai-response', 'gemini'],
      },
    ],
    ['gpt-image-2', { ownedBy: 'openai', endpointTypes: ['image-generation', 'openai'] }],
    ['fal-ai/flux-2-pro', { ownedBy: 'black-forest-labs', displayName: 'Flux 2 Pro' }],
    ['kling/v3', { ownedBy: 'kuaishou', displayName: 'Kling V3', endpointTypes: [] }],
  ])('shows %s under its id', (id, entry) => {
    expect(catalogue.find(id)).toMatchObject({ id, ...entry })
  })

  test.each(['no-such-model', 'gpt-4o-mini', 'dalle-3', 'Gpt-6'])('does not show %s', (id) => {
    expect(catalogue.list().map((entry) => entry.id)).not.toContain(id)
  })

  test.each([
    ['gpt-4o-mini', 'gpt-5.4-mini'],
    ['claude-haiku-4-5-20251001', 'claude-4-5-haiku'],
    ['GPT-5.4', 'gpt-5.4'],
    ['gpt-5-codex', 'gpt-6'],
    ['dalle-3', 'gpt-image-2'],
  ])('finds %s, which is served (FINDINGS U10)', (id, agent) => {
    expect(catalogue.find(id)).toMatchObject({ id, upstreamIds: { agent: [agent] } })
  })

  test.each(['no-such-model', 'text-embedding-3-small', ''])('does not find %j (FINDINGS U10)', (id) => {
    expect(catalogue.find(id)).toBeUndefined()
  })

  test('tells what a name becomes on the wire (FINDINGS U5)', () => {
    expect(catalogue.find('o1')?.upstreamIds?.agent).toEqual(['gpt-5.5'])
  })
})

const idsSeen = {
  text: models.text.map(({ id }) => id),
  image: models.image.map(({ id }) => id),
  video: models.video.map(({ id }) => id),
}
const offeredBy = (kind: ModelKind, generation: WireGeneration) =>
  models[kind].filter(({ shown }) => shown === generation || shown === 'both').map(({ id }) => id)

describe.each(modelKinds)('the table of %s models', (kind) => {
  const successors = {
    copilot: new Map(models[kind].flatMap(({ id, copilot }) => (copilot ? [[id, copilot]] : []))),
    agent: new Map(models[kind].flatMap(({ id, agent }) => (agent ? [[id, agent]] : []))),
  }

  test('knows no id twice, and a day for every id that it names', () => {
    expect(new Set(idsSeen[kind]).size).toBe(idsSeen[kind].length)
    expect(models[kind].filter(({ seen }) => !/^20\d\d-\d\d-\d\d$/.test(seen))).toEqual([])
    const named = wireGenerations.flatMap((each) => [...successors[each].values()])
    expect(named.filter((id) => !idsSeen[kind].includes(id))).toEqual([])
  })

  test('leads aliases, which are none of the names of the site, to such names', () => {
    const aliases = modelAliases[kind]
    expect(Object.keys(aliases).filter((id) => idsSeen[kind].includes(id))).toEqual([])
    const asked = Object.values(aliases).flatMap(({ copilot, agent }) => [copilot, agent])
    expect(asked.filter((id) => !idsSeen[kind].includes(id))).toEqual([])
  })

  test.each(wireGenerations)('never turns away a model that %s offers', (generation) => {
    expect(offeredBy(kind, generation).filter((id) => successors[generation].has(id))).toEqual([])
  })

  test.each(wireGenerations)('leads %s to a model that is not itself retired', (generation) => {
    const heirs = [...successors[generation].values()]
    expect(heirs.filter((id) => successors[generation].has(id))).toEqual([])
  })
})

test('any name at all can be looked up', () => {
  const names = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...Object.getOwnPropertyNames({}.constructor)),
  )
  fc.assert(
    fc.property(names, fc.boolean(), (name, search) => {
      const asked = search ? `${name}-search` : name
      expect(catalogue.resolve(asked).id).toBe(asked)
      expect(modelKinds).toContain(catalogue.kindOf(asked))
      catalogue.resolveMedia(asked, 'image')
      catalogue.find(asked)
    }),
  )
})

describe("the site's own lists", () => {
  const clock = { now: () => Date.UTC(2026, 10, 1) }
  const updated = (text: readonly string[], image: readonly string[] = []) => {
    const live = createCatalogue({ clock })
    live.update({ text, image })
    return live
  }

  test('add what was not known, in front', () => {
    const live = updated(['gpt-7', 'gpt-6'], ['nano-banana-3'])
    expect(
      live
        .list()
        .slice(0, 3)
        .map(({ id }) => id),
    ).toEqual(['gpt-7', 'gpt-6', 'gpt-6-sol'])
    expect(live.find('gpt-7')).toMatchObject({ created: Date.UTC(2026, 10, 1) / 1000, ownedBy: 'openai' })
    expect(live.resolve('GPT-7-search')).toEqual({
      id: 'GPT-7-search',
      upstreamIds: { copilot: ['gpt-7'], agent: ['gpt-7'] },
      mixture: false,
      search: true,
    })
    expect(live.resolveMedia('nano-banana-3', 'image')?.upstreamIds.agent).toBe('nano-banana-3')
  })

  test('win over the successor of an id that is back', () => {
    const live = updated(['o3-pro'])
    expect(live.resolve('o3-pro').upstreamIds).toEqual({ copilot: ['o3-pro'], agent: ['o3-pro'] })
  })

  test('take the place of what they said before, but a day stays the first', () => {
    let now = Date.UTC(2026, 10, 1)
    const live = createCatalogue({ clock: { now: () => now } })
    live.update({ text: ['gpt-7', 'gpt-8'], image: [] })
    now += 86_400_000
    live.update({ text: ['gpt-7'], image: [] })
    expect(live.find('gpt-7')?.created).toBe(Date.UTC(2026, 10, 1) / 1000)
    expect(live.list().map(({ id }) => id)).not.toContain('gpt-8')
  })

  test('cannot turn a model into one of another kind, nor bring in what is no id', () => {
    const live = updated(['flux', 'a,b', '', 'two words', 'x'.repeat(201)], ['gpt-6'])
    expect(live.list()).toEqual(catalogue.list())
    expect(live.kindOf('flux')).toBe('image')
    expect(live.kindOf('gpt-6')).toBe('text')
  })
})

test('FINDINGS U5: the mixture is the one that the site lists', () => {
  const live = createCatalogue()
  live.update({ text: ['gpt-9', 'gpt-9,claude-9, gemini-9', 'a,b'], image: [] })
  expect(live.resolve('mixture-of-agents')).toMatchObject({
    upstreamIds: { copilot: mixture.copilot, agent: ['gpt-9', 'claude-9', 'gemini-9'] },
    mixture: true,
  })
  expect(live.resolve('some-unknown-name').upstreamIds.agent).toEqual(['gpt-9', 'claude-9', 'gemini-9'])
  live.update({ text: ['gpt-9'], image: [] })
  expect(live.resolve('mixture-of-agents').upstreamIds.agent).toEqual(mixture.agent)
})
