import { describe, expect, it } from 'vitest'
import type { ChatModel } from '../../src/core/chat-request.ts'
import { createCatalogue } from '../../src/models/catalogue.ts'
import { createKeyModels } from '../../src/models/key-models.ts'

function start(...ids: readonly string[]) {
  const keyModels = createKeyModels()
  const catalogue = createCatalogue({ keyModels })
  keyModels.retain(new Set(['one']))
  keyModels.update(
    'one',
    ids.map((id) => ({ id })),
  )
  const served = (name: string) => keyModels.servedBy('one', catalogue.resolve(name))?.id
  return { keyModels, catalogue, served }
}

describe('FINDINGS K8 models of a key', () => {
  it.each([
    ['claude-haiku-4-5', 'claude-haiku-4-5'],
    ['claude-4-5-haiku', 'claude-haiku-4-5'],
    ['claude-haiku-4-5-20251001', 'claude-haiku-4-5'],
    ['anthropic/claude-haiku-4.5', 'claude-haiku-4-5'],
    ['GPT-6-Astra', 'gpt-6-astra'],
    ['claude-fable-5', 'claude-fable-5'],
    ['deep-seek-v4-pro', 'deepseek-v4-pro-0813'],
  ])('%s is asked for as %s', (name, id) => {
    const { served } = start('claude-haiku-4-5', 'gpt-6-astra', 'claude-fable-5', 'deepseek-v4-pro-0813')
    expect(served(name)).toBe(id)
  })

  it('is never another in silence: what is not listed is not served, a name that nobody knows has its family', () => {
    const { served } = start('gpt-5.4', 'claude-sonnet-4-6')
    expect(served('gpt-5.2')).toBeUndefined()
    expect(served('no-family')).toBeUndefined()
    expect(served('gpt-9')).toBe('gpt-5.4')
    const { catalogue } = start('gpt-5.4')
    expect(catalogue.resolve('gpt-9')).toMatchObject({ standIn: expect.any(String) })
    expect(catalogue.resolve('gpt-5.4')).not.toHaveProperty('keysOnly')
  })

  it('are those that the vendor published until the catalogue is read, then its own alone', () => {
    const keyModels = createKeyModels()
    const catalogue = createCatalogue({ keyModels })
    const model = (name: string): ChatModel => catalogue.resolve(name)
    keyModels.retain(new Set(['one']))
    expect(model('gpt-6-astra')).toMatchObject({ keysOnly: true })
    expect(keyModels.servedBy('one', model('claude-4-5-haiku'))).toEqual({ id: 'claude-haiku-4-5' })
    keyModels.update('one', [{ id: 'gpt-5.4' }])
    expect(model('gpt-6-astra')).toHaveProperty('standIn')
    expect(keyModels.servedBy('one', model('claude-4-5-haiku'))).toBeUndefined()
    keyModels.retain(new Set())
    expect(keyModels.list()).toEqual([])
  })

  it('are listed once each, with what the catalogue says of them', () => {
    const { keyModels, catalogue } = start()
    keyModels.update('one', [
      { id: 'gpt-5.4', contextLength: 1_000_000, maxOutputTokens: 128_000, efforts: ['low'] },
      { id: 'gpt-6-astra', takesPictures: true },
    ])
    keyModels.update('two', [{ id: 'gpt-6-astra' }])
    const ids = catalogue.list().map(({ id }) => id)
    expect(ids.filter((id) => id === 'gpt-6-astra')).toHaveLength(1)
    expect(catalogue.list().find(({ id }) => id === 'gpt-5.4')).toMatchObject({
      contextLength: 1_000_000,
      keyModel: { maxOutputTokens: 128_000 },
    })
    expect(catalogue.find('openai/gpt-6-astra')).toMatchObject({ id: 'openai/gpt-6-astra', keyModel: {} })
  })
})
