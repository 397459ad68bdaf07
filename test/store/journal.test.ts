import { describe, expect, it } from 'vitest'
import { createJournal, type JournalOptions } from '../../src/store/journal.ts'

const refused = new Error('refused')
const unreachable = new Error('unreachable')

function create(over: Partial<JournalOptions<string>> = {}) {
  const sent: [id: string, detail: string][] = []
  const warnings: unknown[] = []
  /** What becomes of the next that are sent, by id; the others arrive. */
  const failures = new Map<string, Error>()
  const journal = createJournal<string>({
    name: 'things',
    async send(id, detail) {
      sent.push([id, detail])
      const failure = failures.get(id)
      if (failure) throw failure
    },
    blames: (error) => (error === refused ? 'entry' : 'way'),
    maxFailures: 2,
    logger: { warn: (...line: unknown[]) => void warnings.push(line) },
    ...over,
  })
  return { journal, sent, warnings, failures }
}

describe('a journal', () => {
  it('replays in order, each id once with its newest detail', async () => {
    const { journal, sent } = create()
    for (const [id, detail] of [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['c', '1'],
    ] as const)
      journal.add(id, detail)
    expect(journal.ids()).toEqual(['b', 'a', 'c'])
    expect([journal.get('a'), journal.has('d'), journal.size]).toEqual(['2', false, 3])
    expect(await journal.replay()).toBe(3)
    expect(sent).toEqual([
      ['b', '1'],
      ['a', '2'],
      ['c', '1'],
    ])
    expect([journal.size, await journal.replay()]).toEqual([0, 0])
  })

  it('forgets what was taken back', async () => {
    const { journal, sent } = create()
    journal.add('a', '1')
    expect([journal.delete('a'), journal.delete('a')]).toEqual([true, false])
    await journal.replay()
    expect(sent).toEqual([])
  })

  it('sends many some at a time, in their order', async () => {
    let onTheWay = 0
    let most = 0
    const order: string[] = []
    const { journal } = create({
      async send(id) {
        order.push(id)
        onTheWay += 1
        most = Math.max(most, onTheWay)
        await new Promise((resolve) => setImmediate(resolve))
        onTheWay -= 1
      },
    })
    const ids = Array.from({ length: 250 }, (_, index) => String(index))
    for (const id of ids) journal.add(id, '')
    expect(await journal.replay()).toBe(250)
    expect([order, most]).toEqual([ids, 100])
  })

  it('one that fails for itself does not hold up the others, and is dropped with a warning after some times', async () => {
    const { journal, failures, warnings } = create()
    failures.set('bad', refused)
    for (const id of ['a', 'bad', 'b']) journal.add(id, '1')
    expect(await journal.replay()).toBe(2)
    expect([journal.ids(), warnings.length]).toEqual([['bad'], 0])
    expect(await journal.replay()).toBe(0)
    expect([journal.ids(), warnings.length]).toEqual([[], 1])
  })

  it('one that was added anew begins to count anew', async () => {
    const { journal, failures } = create()
    failures.set('bad', refused)
    journal.add('bad', '1')
    await journal.replay()
    journal.add('bad', '2')
    await journal.replay()
    expect(journal.get('bad')).toBe('2')
    failures.clear()
    expect(await journal.replay()).toBe(1)
  })

  it('a way that is closed ends the replay: what was not sent stays, and nothing counts as its failure', async () => {
    const { journal, failures, sent } = create()
    failures.set('1', unreachable)
    for (let index = 0; index < 250; index += 1) journal.add(String(index), '')
    await expect(journal.replay()).rejects.toBe(unreachable)
    // What followed the first on its way arrived; nothing was sent after that.
    expect([sent.length, journal.size]).toEqual([100, 151])
    for (let times = 0; times < 5; times += 1) await expect(journal.replay()).rejects.toBe(unreachable)
    expect(journal.has('1')).toBe(true)
    failures.clear()
    await journal.replay()
    expect([journal.size, new Set(sent.map(([id]) => id)).size]).toEqual([0, 250])
  })

  it('what is added while it is on its way is sent again, with what is new', async () => {
    const gate = Promise.withResolvers<void>()
    const sent: string[] = []
    const { journal } = create({
      async send(_id, detail) {
        sent.push(detail)
        await gate.promise
      },
    })
    journal.add('a', 'old')
    const replayed = journal.replay()
    journal.add('a', 'new')
    gate.resolve()
    await replayed
    expect(journal.get('a')).toBe('new')
    await journal.replay()
    expect([sent, journal.size]).toEqual([['old', 'new'], 0])
  })

  it('lets the oldest go beyond its bound', () => {
    const { journal } = create({ maxEntries: 2 })
    for (const id of ['a', 'b', 'a', 'c']) journal.add(id, '')
    expect(journal.ids()).toEqual(['a', 'c'])
  })
})
