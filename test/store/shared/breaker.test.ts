import { afterEach, describe, expect, it } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.ts'
import { redisFailure } from '../../../src/store/redis/redis-failure.ts'
import { Breaker } from '../../../src/store/shared/breaker.ts'

const open: Breaker[] = []
afterEach(async () => {
  for (const breaker of open.splice(0)) await breaker.end()
})

/** @param rejoin  what becomes of the n-th probe, counted from 1 */
function create(rejoin: (probe: number) => boolean, isThere = () => Promise.reject(away)) {
  const causes: unknown[] = []
  let probes = 0
  const breaker = new Breaker({
    async rejoin(close) {
      probes += 1
      if (!rejoin(probes)) throw new Error(`probe ${probes} failed`)
      close()
    },
    isThere,
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
    await expect.poll(() => causes).toEqual([away])
  })

  it('FINDINGS R2: is opened by the second question alone: what came meanwhile went on without it', async () => {
    const answer = Promise.withResolvers<undefined>()
    const { breaker, causes, probes } = create(
      () => true,
      () => answer.promise as Promise<never>,
    )
    const fails = () =>
      breaker.run(
        () => Promise.reject(away),
        () => 'without',
      )
    const works = () =>
      breaker.run(
        async () => 'there',
        () => 'without',
      )
    expect([await works(), await fails(), await works()]).toEqual(['there', 'without', 'without'])
    answer.resolve(undefined)
    await expect.poll(works).toBe('there')
    // What went on without it is sent.
    await expect.poll(probes).toBe(2)
    expect([breaker.isClosed, causes]).toEqual([true, []])
  })

  it('FINDINGS R2: a refusal, or a text that is late, says nothing of other calls', async () => {
    const { breaker, causes } = create(
      () => true,
      () => Promise.resolve() as Promise<never>,
    )
    const refusal = redisFailure(Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' }))
    const without = () => 'without'
    expect(await breaker.run(() => Promise.reject(refusal), without)).toBe('without')
    expect(await breaker.run(async () => 'there', without)).toBe('there')
    expect(await breaker.run(() => Promise.reject(away), without, 'itself')).toBe('without')
    expect(await breaker.run(async () => 'there', without)).toBe('there')
    expect(causes).toEqual([])
  })

  it('sends nothing after a call that took long and ended well', async () => {
    const answer = Promise.withResolvers<undefined>()
    const { breaker, probes } = create(
      () => true,
      () => answer.promise as Promise<never>,
    )
    const works = () =>
      breaker.run(
        async () => 'there',
        () => 'without',
      )
    expect(await works()).toBe('there')
    breaker.doubt(new Error('slow'))
    answer.resolve(undefined)
    await new Promise((resolve) => setImmediate(resolve))
    expect([await works(), probes()]).toEqual(['there', 1])
    // One that fails after all has missed something.
    breaker.doubt(new Error('slow'))
    breaker.ask(new Error('failed'))
    await expect.poll(probes).toBe(2)
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
      isThere: () => Promise.reject(away),
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
