import { expect, test } from 'vitest'
import { createCallPace } from '../../../src/upstream/vendor-api/call-pace.ts'
import { manualClock } from '../support.ts'
import { imageRequest, makeWhole, startVendorEmulator } from './vendor-site.ts'

test('takes sixty calls a minute of each key, and tells how long the next has to wait', () => {
  const clock = manualClock(1_000_000)
  const pace = createCallPace(clock)
  for (let call = 0; call < 60; call += 1) {
    expect(pace.take('one')).toBe(0)
    clock.nowMs += 100
  }
  expect(pace.take('one')).toBe(54_000)
  expect(pace.take('two')).toBe(0)
  clock.nowMs += 54_000
  expect(pace.take('one')).toBe(0)
  expect(pace.take('one')).toBe(100)
  // Set back, a clock locks no key.
  clock.nowMs -= 3_600_000
  expect(pace.take('one')).toBe(0)
})

test('refuses a picture that is one too many, for another account to make', async () => {
  const { emulator, upstream } = await startVendorEmulator()
  for (let round = 0; round < 6; round += 1)
    expect((await makeWhole(upstream, imageRequest({ count: 10 }))).error).toBeUndefined()
  const { error } = await makeWhole(upstream, imageRequest())
  expect(error).toMatchObject({ kind: 'rate-limited', retryAfterMs: 60_000 })
  expect(emulator.vendor.asks).toHaveLength(60)
})
