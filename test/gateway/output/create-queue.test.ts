import { expect, test } from 'vitest'
import { createQueue } from '../../../src/gateway/output/create-queue.ts'

test('does one piece of work at a time, in order', async () => {
  const queue = createQueue({ maxWaiting: 3 })
  const steps: string[] = []
  const work = (name: string) => async () => {
    steps.push(`${name} begins`)
    await Promise.resolve()
    steps.push(`${name} ends`)
    return name
  }
  expect(await Promise.all([queue(work('a')), queue(work('b'))])).toEqual(['a', 'b'])
  expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
})

test('goes on after work that failed', async () => {
  const queue = createQueue({ maxWaiting: 3 })
  const failed = queue(() => Promise.reject(new Error('no')))
  const done = queue(async () => 'yes')
  await expect(failed).rejects.toThrow('no')
  expect(await done).toBe('yes')
})

test('turns away whoever would wait too long, until there is room again', async () => {
  const queue = createQueue({ maxWaiting: 1 })
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const first = queue(() => gate)
  const second = queue(() => gate)
  await expect(queue(() => gate)).rejects.toMatchObject({ code: 'queue_full' })
  open()
  await Promise.all([first, second])
  expect(await queue(async () => 'room')).toBe('room')
})
