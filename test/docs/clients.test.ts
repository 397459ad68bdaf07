import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { createCatalogue } from '../../src/models/catalogue.ts'
import { clientKey, startClientStack } from '../e2e/clients/client-stack.ts'
import type { Stack } from '../support/stack.ts'
import { callingModel } from '../support/tool-model.ts'

const root = join(import.meta.dirname, '../..')
const read = (name: string) => readFileSync(join(root, 'docs', name), 'utf8')
const guide = read('clients.md')
const chinese = read('clients.zh-CN.md')

const markedLine = (text: string, mark: string): string =>
  new RegExp(`<!-- ${mark} -->\\n\`\`\`\\n(.+)\\n\`\`\``).exec(text)?.[1] ?? ''
const codeBlocks = (text: string, language = ''): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}.*\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, code = '']) => code,
  )

describe('the line for CUSTOM_MODELS', () => {
  const [first, ...items] = markedLine(guide, 'custom-models').split(',')
  const names = items.map((item) => /^\+(\S+)@OpenAI=(.+)$/.exec(item)?.[1] ?? `cannot be read: ${item}`)
  const catalogue = createCatalogue()

  it('takes away the names that NextChat knows by itself', () => {
    expect(first).toBe('-all')
    expect(items.length).toBeGreaterThan(10)
  })

  it.each(names)('names a model that is there: %s', (name) => {
    const { mixture, upstreamIds } = catalogue.resolve(name)
    const known = catalogue.kindOf(name) === 'image' ? 'image' : mixture ? 'nothing known' : 'text'
    expect(known).toBe(name === 'dall-e-3' ? 'image' : 'text')
    if (known === 'text' && name !== 'gpt-4o-mini' && name !== 'gpt-5.2-pro')
      expect(upstreamIds.agent[0]?.toLowerCase().replace('deep-seek', 'deepseek')).toBe(name.toLowerCase())
  })

  it('names none whose titles NextChat sends elsewhere, and the one that it sends them to', () => {
    expect(names.filter((name) => /^(gemini|deepseek-)/.test(name))).toEqual([])
    expect(names).toContain('gpt-4o-mini')
  })

  it('holds every name of the line for VISION_MODELS', () => {
    const vision = markedLine(guide, 'vision-models').split(',')
    expect(vision.length).toBeGreaterThan(5)
    expect(names).toEqual(expect.arrayContaining(vision))
  })
})

describe('the guide', () => {
  it('names only settings that are there', () => {
    const ours = [
      'API_SECRET',
      'ROUTE_PREFIX',
      'REQUEST_RATE_LIMIT',
      'CORS_ORIGINS',
      'MAX_BODY_MB',
      'STREAM_ERROR_TEXT',
    ]
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    for (const name of ours) {
      expect(guide).toContain(name)
      expect(readme).toContain(`| \`${name}\` |`)
    }
    expect(parseConfig({ GS_COOKIE: 'x' }).requestRateLimit).toBe(60)
  })

  it('says the same in Chinese: every piece of code is there', () => {
    expect(codeBlocks(guide).length).toBeGreaterThan(10)
    expect(codeBlocks(chinese)).toEqual(codeBlocks(guide))
    const levels = (text: string) => text.replace(/^```[\s\S]*?^```/gm, '').match(/^#+ /gm)
    expect(levels(chinese)).toEqual(levels(guide))
  })
})

describe('the service of the guide', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startClientStack()
    stack.emulator.answerWith(
      callingModel(({ tools, results }) => {
        const [tool] = tools
        if (!tool || results.length > 0) return 'It is 21 degrees in Paris.'
        return [{ name: tool.name, arguments: { city: 'Paris' } }]
      }),
    )
  })
  afterAll(() => stack.stop())

  it.each(['/v1/audio/translations', '/v1/embeddings'])(
    'what is not there says so in the usual form: %s',
    async (path) => {
      const headers = { authorization: `Bearer ${clientKey}` }
      const reply = await fetch(stack.url + path, { method: 'POST', headers, body: '{}' })
      expect(reply.status).toBe(404)
      expect(await reply.json()).toMatchObject({ error: { code: 'not_found', param: null } })
    },
  )

  const examples = codeBlocks(guide, 'ts').map(
    (code) => [/from '([^']+)'/.exec(code)?.[1] ?? '', code] as const,
  )

  it('has code for each SDK', () => {
    expect(examples.map(([name]) => name)).toEqual([
      'openai',
      'openai',
      '@anthropic-ai/sdk',
      '@ai-sdk/openai-compatible',
    ])
  })

  it.each(examples)('runs the code as it stands: %s', async (_name, code) => {
    const source = code.replace('http://localhost:7044', stack.url).replace('sk-choose-a-key', clientKey)
    const args = ['--input-type=module-typescript', '--eval', source]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
    expect(stdout.trim()).toBe('It is 21 degrees in Paris.')
  })
})
