import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { liveDeadline, withinLive } from '../../src/core/deadline.ts'

afterEach(() => void vi.useRealTimers())

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

it('passes after its time', async () => {
  const passed = Promise.withResolvers<number>()
  const begunMs = performance.now()
  liveDeadline(40, () => passed.resolve(performance.now() - begunMs))
  expect(await passed.promise).toBeGreaterThanOrEqual(38)
})

it('does not pass once it is stopped', () => {
  vi.useFakeTimers()
  let calls = 0
  const stop = liveDeadline(100, () => {
    calls += 1
  })
  vi.advanceTimersByTime(90)
  stop()
  vi.advanceTimersByTime(1000)
  expect(calls).toBe(0)
})

it('X8: reads what lies in the socket before it accuses anybody of being late', async () => {
  const server = createServer((socket) => socket.end('answer'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as { port: number }
  const socket = connect(address.port, '127.0.0.1')
  await once(socket, 'connect')
  const order: string[] = []
  const over = Promise.withResolvers<void>()
  socket.on('data', () => order.push('answer'))
  liveDeadline(1, () => {
    order.push('late')
    over.resolve()
  })
  standStill(100)
  await over.promise
  expect(order[0]).toBe('answer')
  socket.destroy()
  server.close()
})

it('X8: does not count the time in which our own process stood still', async () => {
  const passed = Promise.withResolvers<number>()
  const begunMs = performance.now()
  liveDeadline(200, () => passed.resolve(performance.now() - begunMs))
  standStill(400)
  // A part of it counts: 50 of 400 ms.
  expect(await passed.promise).toBeGreaterThanOrEqual(540)
})

it('settles as the work does when that is in time', async () => {
  const late = () => new Error('late')
  expect(await withinLive(1000, Promise.resolve('done'), late)).toBe('done')
  await expect(withinLive(1000, Promise.reject(new Error('broken')), late)).rejects.toThrow('broken')
  await expect(withinLive(10, new Promise(() => {}), late)).rejects.toThrow('late')
})
