import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { createKeptResponses } from '../../src/gateway/kept-responses.ts'
import { createEmbeddedStore } from '../../src/store/embedded-store.ts'

const day = 24 * 60 * 60 * 1000

function create(maxDocuments?: number) {
  let nowMs = Date.UTC(2026, 10, 23)
  const store = createEmbeddedStore({
    dataDir: undefined,
    clock: { now: () => nowMs },
    chooseAccount: (candidates) => candidates[0] as (typeof candidates)[0],
    logger: silentLogger,
    ...(maxDocuments && { maxDocuments }),
  })
  const advance = (ms: number) => {
    nowMs += ms
  }
  return { kept: createKeptResponses(store), store, advance }
}

describe('createKeptResponses', () => {
  it('finds and removes a response for its owner alone', async () => {
    const { kept, store } = create()
    await kept.keep({ id: 'resp_1', owner: 'alice', text: 'text' })
    expect(await kept.find('resp_1', 'alice')).toBe('text')
    expect(await kept.find('resp_1', 'bob')).toBeUndefined()
    expect(await kept.remove('resp_1', 'bob')).toBe(false)
    expect(await kept.replace('resp_1', 'new')).toBe(true)
    expect(await kept.find('resp_1', 'alice')).toBe('new')
    expect(await kept.remove('resp_1', 'alice')).toBe(true)
    expect(await kept.remove('resp_1', 'alice')).toBe(false)
    expect(await kept.replace('resp_1', 'late')).toBe(false)
    await store.close()
  })

  it('lets others have their turn while a conversation is read', async () => {
    const { kept, store } = create()
    const order: string[] = []
    setImmediate(() => order.push('other'))
    for (const id of ['resp_1', 'resp_2']) {
      await kept.find(id, 'alice')
      order.push(id)
    }
    expect(order).toEqual(['other', 'resp_1', 'resp_2'])
    await store.close()
  })

  it('FINDINGS R3: a conversation that goes on stays whole, one that is not used goes', async () => {
    const { kept, store } = create(4)
    const keep = (id: string, continued: string[] = []) =>
      kept.keep({ id, owner: 'alice', text: 'text' }, continued)
    const left = async (ids: string[]) => {
      const found = await Promise.all(ids.map((id) => kept.find(id, 'alice')))
      return ids.filter((_, index) => found[index])
    }
    await keep('one 1')
    await keep('two 1')
    await keep('two 2', ['two 1'])
    await keep('one 2', ['one 1'])
    await keep('one 3', ['one 2', 'one 1'])
    await keep('one 4', ['one 3', 'one 2', 'one 1'])
    expect(await left(['two 1', 'two 2', 'one 1', 'one 2', 'one 3', 'one 4'])).toEqual([
      'one 1',
      'one 2',
      'one 3',
      'one 4',
    ])
    await store.close()
  })

  it('keeps for 30 days', async () => {
    const { kept, store, advance } = create()
    await kept.keep({ id: 'resp_1', owner: 'alice', text: 'text' })
    advance(30 * day - 1)
    expect(await kept.find('resp_1', 'alice')).toBe('text')
    advance(1)
    expect(await kept.find('resp_1', 'alice')).toBeUndefined()
    await store.close()
  })
})
