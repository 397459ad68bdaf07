import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import type { SiteLists } from '../../src/models/catalogue.ts'
import { createKeyModels } from '../../src/models/key-models.ts'
import { createKeyModelRefresh, createListRefresh } from '../../src/models/refresh-lists.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const hourMs = 60 * 60 * 1000
const lists: SiteLists = { text: ['gpt-7'], image: [] }

function createRefresh(modelLists: (signal: AbortSignal) => Promise<SiteLists>) {
  const ask = vi.fn(modelLists)
  const update = vi.fn()
  const refresh = createListRefresh({
    modelLists: ask,
    catalogue: { update },
    random: () => 0.5,
    logger: silentLogger,
  })
  return { refresh, ask, update }
}

test('asks at the start and again after six hours and a little', async () => {
  const { refresh, ask, update } = createRefresh(() => Promise.resolve(lists))
  refresh.start()
  await vi.advanceTimersByTimeAsync(0)
  expect(update.mock.calls).toEqual([[lists]])
  await vi.advanceTimersByTimeAsync(6 * hourMs)
  expect(ask).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(0.3 * hourMs)
  expect(ask).toHaveBeenCalledTimes(2)
  await refresh.stop()
})

test('asks again after a quarter of an hour when the site gave nothing, and leaves the catalogue alone', async () => {
  const answers = [Promise.reject(new Error('Genspark Service Unavailable')), Promise.resolve(lists)]
  const { refresh, ask, update } = createRefresh(() => answers.shift() ?? Promise.resolve(lists))
  refresh.start()
  await vi.advanceTimersByTimeAsync(0.25 * hourMs)
  expect(ask).toHaveBeenCalledTimes(1)
  expect(update).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(0.0125 * hourMs)
  expect(update).toHaveBeenCalledTimes(1)
  await refresh.stop()
})

test('stops: the ask under way is aborted', async () => {
  const { refresh, ask } = createRefresh(
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  )
  refresh.start()
  await refresh.stop()
  expect(ask).toHaveBeenCalledTimes(1)
  expect(vi.getTimerCount()).toBe(0)
})

test('stops: no ask follows', async () => {
  const { refresh, ask } = createRefresh(() => Promise.resolve(lists))
  refresh.start()
  await refresh.stop()
  await vi.advanceTimersByTimeAsync(24 * hourMs)
  expect(ask).toHaveBeenCalledTimes(1)
})

test('may be stopped before it is started', async () => {
  const { refresh, ask } = createRefresh(() => Promise.resolve(lists))
  await refresh.stop()
  expect(ask).not.toHaveBeenCalled()
})

test('FINDINGS K8 reads the models of each key, at once those of a key that is new, and goes on after one that fails', async () => {
  let accounts = [
    { key: 'bad', label: 'acc_1' },
    { key: 'good', label: 'acc_2' },
  ]
  const fetchModels = vi.fn(async ({ key }: { key: string }) => {
    if (key === 'bad') throw new Error('no')
    return [{ id: `model of ${key}` }]
  })
  const keyModels = createKeyModels()
  const refresh = createKeyModelRefresh({
    ...{ accounts: () => accounts, fetchModels, keyModels, random: () => 0, logger: silentLogger },
  })
  refresh.start()
  await vi.advanceTimersByTimeAsync(0)
  expect(keyModels.list()).toEqual([{ id: 'model of good' }])
  accounts = [...accounts.slice(1), { key: 'new', label: 'acc_3' }]
  refresh.again()
  await vi.advanceTimersByTimeAsync(0)
  expect(fetchModels.mock.calls.map(([{ key }]) => key)).toEqual(['bad', 'good', 'new'])
  expect(keyModels.list()).toEqual([{ id: 'model of good' }, { id: 'model of new' }])
  await vi.advanceTimersByTimeAsync(6 * hourMs)
  expect(fetchModels).toHaveBeenCalledTimes(5)
  await refresh.stop()
  expect(vi.getTimerCount()).toBe(0)
})
