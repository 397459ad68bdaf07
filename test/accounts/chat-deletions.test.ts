import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import {
  type ChatDeletions,
  type ChatDeletionsOptions,
  createChatDeletions,
} from '../../src/accounts/chat-deletions.ts'
import { createAccount } from '../../src/core/account.ts'
import { UpstreamError } from '../../src/core/errors.ts'
import { createLogger, silentLogger } from '../../src/core/logger.ts'
import { createEmbeddedStore } from '../../src/store/embedded-store.ts'
import type { Store } from '../../src/store/store.ts'

const one = createAccount('session_id=canary-one')
const two = createAccount('session_id=canary-two')
const clock = { now: () => Date.now() }

let store: Store
let lines: string[]
let asked: string[]
let answer: (chatId: string, signal: AbortSignal) => Promise<void>
const open: ChatDeletions[] = []

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 23) })
  lines = []
  asked = []
  answer = () => Promise.resolve()
  const chooseAccount = createChooseAccount(Math.random)
  store = createEmbeddedStore({ dataDir: undefined, clock, chooseAccount, logger: silentLogger })
})
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
  await store.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  expect(lines.join('')).not.toContain('canary')
})

async function start(over: Partial<ChatDeletionsOptions> = {}): Promise<ChatDeletions> {
  const deletions = createChatDeletions({
    store,
    findAccount: (key) => [one, two].find((account) => account.key === key),
    modelChatMap: new Map([['m', 'pin']]),
    sessionImageChatMap: new Map([['s', 'image-pin']]),
    deleteChat: (account, chatId, signal) => {
      asked.push(`${account === one ? 'one' : 'two'} ${chatId}`)
      return answer(chatId, signal)
    },
    clock,
    logger: createLogger({
      level: 'info',
      format: 'json',
      destination: { write: (line) => void lines.push(line) },
    }),
    ...over,
  })
  open.push(deletions)
  await deletions.open()
  return deletions
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const left = async () => (await store.records('chat-deletion')).size
const untilAborted = (_chatId: string, signal: AbortSignal) =>
  new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

describe('a chat to delete', () => {
  it('is deleted and forgotten', async () => {
    const deletions = await start()
    deletions.add(one, 'chat-1')
    expect(deletions.size).toBe(1)
    await pass(0)
    expect(asked).toEqual(['one chat-1'])
    expect(deletions.size).toBe(0)
    expect(await left()).toBe(0)
  })

  it('is never the operator’s own', async () => {
    const deletions = await start()
    deletions.add(one, 'pin')
    deletions.add(one, 'image-pin')
    await pass(0)
    expect(asked).toEqual([])
    expect(deletions.size).toBe(0)
  })

  it('is one at a time for an account, accounts side by side', async () => {
    const waiting: (() => void)[] = []
    answer = () => new Promise((resolve) => waiting.push(resolve))
    const deletions = await start()
    for (const chatId of ['a', 'b']) for (const account of [one, two]) deletions.add(account, chatId)
    await pass(0)
    expect(asked).toEqual(['one a', 'two a'])
    for (const resolve of waiting.splice(0)) resolve()
    await pass(0)
    expect(asked.slice(2)).toEqual(['one b', 'two b'])
    for (const resolve of waiting.splice(0)) resolve()
    await pass(0)
  })

  it('is tried again after 5, 10, 20 s … and given up after 8 tries', async () => {
    answer = () => Promise.reject(new UpstreamError('unavailable'))
    const deletions = await start()
    deletions.add(one, 'chat-1')
    await pass(0)
    const seconds: number[] = []
    for (let second = 1; deletions.size > 0; second += 1) {
      const before = asked.length
      await pass(1000)
      if (asked.length > before) seconds.push(second)
    }
    expect(seconds).toEqual([5, 15, 35, 75, 155, 315, 635])
    expect(await left()).toBe(0)
    expect(lines.length).toBe(1)
    expect(lines[0]).toMatch(/"tries":8.*left there/)
  })

  it('does not hold up the next while it is put off', async () => {
    answer = (chatId) =>
      chatId === 'bad' ? Promise.reject(new UpstreamError('unavailable')) : Promise.resolve()
    const deletions = await start()
    deletions.add(one, 'bad')
    deletions.add(one, 'good')
    await pass(1000)
    expect(asked).toEqual(['one bad', 'one good'])
    expect(deletions.size).toBe(1)
  })

  it('FINDINGS R13: that comes while another waits for its next try is not held up by it', async () => {
    answer = (chatId) =>
      chatId === 'bad' ? Promise.reject(new UpstreamError('unavailable')) : Promise.resolve()
    const deletions = await start()
    deletions.add(one, 'bad')
    await pass(0)
    await pass(5_000)
    expect(asked).toEqual(['one bad', 'one bad'])
    deletions.add(one, 'good')
    await pass(0)
    expect(asked).toEqual(['one bad', 'one bad', 'one good'])
    await pass(10_000)
    expect(asked.at(-1)).toBe('one bad')
  })

  it('that the site does not know any more is deleted', async () => {
    answer = () => Promise.reject(new UpstreamError('binding-stale'))
    const deletions = await start()
    deletions.add(one, 'chat-1')
    await pass(0)
    expect(deletions.size).toBe(0)
    expect(lines).toEqual([])
  })

  it('of an account that is gone is left alone', async () => {
    const deletions = await start({ findAccount: () => undefined })
    deletions.add(one, 'chat-1')
    await pass(0)
    expect([asked.length, deletions.size, await left()]).toEqual([0, 0, 0])
  })

  it('at the bound is left there, with a warning', async () => {
    answer = untilAborted
    const deletions = await start({ maxChats: 2 })
    for (const chatId of ['a', 'b', 'c']) deletions.add(one, chatId)
    expect(deletions.size).toBe(2)
    expect(lines.length).toBe(1)
  })
})

describe('a restart', () => {
  it('goes on with what was left, what was under way included, and counts on', async () => {
    answer = () => Promise.reject(new UpstreamError('unavailable'))
    const first = await start()
    first.add(one, 'failing')
    await pass(0)
    answer = untilAborted
    first.add(two, 'under way')
    await pass(0)
    await first.close()
    expect(await left()).toBe(2)

    asked = []
    answer = () => Promise.reject(new UpstreamError('unavailable'))
    const second = await start({ maxTries: 2 })
    expect(second.size).toBe(2)
    await pass(0)
    expect(asked).toEqual(['two under way'])
    await pass(5000)
    expect(asked.sort()).toEqual(['one failing', 'two under way', 'two under way'])
    expect(second.size).toBe(0)
  })

  it('keeps what comes while it closes', async () => {
    const first = await start()
    await first.close()
    first.add(one, 'late')
    await pass(0)
    expect(asked).toEqual([])
    await start()
    await pass(0)
    expect(asked).toEqual(['one late'])
  })

  it('passes over what it cannot read', async () => {
    await store.saveRecord('chat-deletion', 'x', 'not ours')
    expect((await start()).size).toBe(0)
  })
})
