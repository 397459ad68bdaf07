import { expect, it } from 'vitest'
import { fuzz } from '../support/fuzz.ts'

it('changed requests of every route end in no 500, no hang, one error shape, and show no secret', async () => {
  const seed = Date.now() % 2 ** 32
  const { requests, statuses, findings } = await fuzz({ seed, forMs: 15_000 })
  expect(findings, `seed ${seed}`).toEqual([])
  expect(requests).toBeGreaterThan(50)
  expect(statuses.get(200)).toBeGreaterThan(0)
}, 90_000)
