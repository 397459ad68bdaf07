import { afterEach, describe, expect, it } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.ts'
import { Breaker } from '../../../src/store/shared/breaker.ts'

const open: Breaker[] = []
afterEach(async () => {
  for (const breaker of open.splice(0)) await breaker.end()
})

/** @param rejoin  what becomes of the n-th probe, counted from 1 */
function create(rejoin: (probe: number) => boolean) {
  const causes: unknown[] = []
  let probes = 0
  const breaker = new Breaker({
    async rejoin(close) {
      probes += 1
      if (!rejoin(probes)) throw new Error(`probe ${probes} failed`)
      close()
    },
    onOpen: (cause) => void causes.push(cause),
    probeMs: 5,
    firstMeetingMs: 0,
  })
  open.push(breaker)
  return { breaker, causes, probes: () => probes }
}

const away = new UnavailableError('dependency_unavailable')

describe('Breaker', () => {
  it('lets the first who ask wait for the first meeting', async () => {
    const { breaker, causes } = create(() => true)
    expect(
      await breaker.run(
        async () => 'there',
        () => 'away',
      ),
    ).toBe('there')
    expect(causes).toEqual([])
  })

  it('tells why, once, when nobody comes to the first meeting', async () => {
    const { breaker, causes, probes } = create((probe) => probe > 3)
    const answer = await breaker.run(
      async () => 'there',
      () => 'away',
    )
    expect([answer, causes]).toEqual(['away', [new Error('probe 1 failed')]])
    await expect.poll(() => breaker.isClosed).toBe(true)
    expect([probes(), causes.length]).toEqual([4, 1])
  })

  it('opens at the first failure, asks no more and serves all the same', async () => {
    const { breaker, causes } = create((probe) => probe === 1)
    let asked = 0
    const ask = () =>
      breaker.run(
        async () => {
          asked += 1
          throw away
        },
        () => 'away',
      )
    expect([await ask(), await ask(), asked]).toEqual(['away', 'away', 1])
    expect(causes).toEqual([away])
  })

  it('opens again when the other side goes away before it was told everything', async () => {
    const causes: unknown[] = []
    let probes = 0
    const breaker = new Breaker({
      async rejoin(close) {
        probes += 1
        close()
        if (probes === 1) throw away
      },
      onOpen: (cause) => void causes.push(cause),
      probeMs: 5,
      firstMeetingMs: 0,
    })
    open.push(breaker)
    await expect.poll(() => [probes, breaker.isClosed]).toEqual([2, true])
    expect(causes[0]).toBe(away)
  })

  it('is not opened by any other error, and hands it on', async () => {
    const { breaker } = create(() => true)
    const bug = new TypeError('a bug')
    await expect(
      breaker.run(
        () => Promise.reject(bug),
        () => 'away',
      ),
    ).rejects.toBe(bug)
    expect(breaker.isClosed).toBe(true)
  })
})
