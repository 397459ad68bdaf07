import { createServer, connect as open } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { deadlineSignal, startDeadline } from '../../src/core/deadline.ts'

afterEach(() => {
  vi.useRealTimers()
})

/** Our own loop stands still, as in a paused container. */
const standStill = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

it('FINDINGS X8: reads what came while our own process stood still before it accuses', async () => {
  const { promise: outcome, resolve } = Promise.withResolvers<string>()
  const { promise: connected, resolve: connectedTo } = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    socket.once('data', () => {
      stop()
      resolve('read')
    })
    connectedTo()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const client = open((server.address() as { port: number }).port, '127.0.0.1')
  await connected
  let stop = () => {}
  // Timers come first in the next turn of the loop.
  setImmediate(() => {
    stop = startDeadline(30, () => resolve('missed'))
    client.write('here')
    standStill(300)
  })
  expect(await outcome).toBe('read')
  client.destroy()
  server.close()
})

it('is missed at its time where the loop lives', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const missed = vi.fn()
  startDeadline(1_000, missed)
  const signal = deadlineSignal(1_000)
  vi.advanceTimersByTime(999)
  expect(missed).not.toHaveBeenCalled()
  expect(signal.aborted).toBe(false)
  vi.advanceTimersByTime(1)
  expect(missed).toHaveBeenCalledOnce()
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
})

it('is missed after as long again where nothing came, and never once stopped', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const missed = vi.fn()
  const stopped = vi.fn()
  startDeadline(1_000, missed)
  const stop = startDeadline(1_000, stopped)
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 400)
  vi.advanceTimersByTime(1_000)
  expect(missed).not.toHaveBeenCalled()
  stop()
  vi.advanceTimersByTime(400)
  expect(missed).toHaveBeenCalledOnce()
  expect(stopped).not.toHaveBeenCalled()
})
