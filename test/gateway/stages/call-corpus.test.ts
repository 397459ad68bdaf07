import { describe, expect, it } from 'vitest'
import { corpus } from '../../fixtures/calls/corpus.ts'
import { scoreCalls, tableOf } from './score-calls.ts'

describe('the corpus of answers', () => {
  it('is large enough, and a third of it is set aside', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(150)
    const heldOut = corpus.filter((entry) => entry.heldOut)
    expect(heldOut).toHaveLength(Math.floor(corpus.length / 3))
    for (const kind of ['call', 'none'] as const)
      expect(heldOut.filter((entry) => entry.kind === kind).length).toBeGreaterThanOrEqual(10)
  })

  it('is read without a false alarm, and all but five in a hundred calls are found: FINDINGS T1, T2, T3', async () => {
    const kept = await scoreCalls(corpus.filter((entry) => !entry.heldOut))
    const setAside = await scoreCalls(corpus.filter((entry) => entry.heldOut))
    console.log(tableOf({ kept, 'set aside': setAside }))
    for (const { meant, hits, falseAlarms, faults } of [kept, setAside]) {
      expect(falseAlarms, faults.join('\n')).toBe(0)
      expect(hits / meant, faults.join('\n')).toBeGreaterThanOrEqual(0.95)
      expect(faults.filter((fault) => fault.startsWith('none'))).toEqual([])
    }
  })
})
