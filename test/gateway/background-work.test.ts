import { once } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogger, silentLogger } from '../../src/core/logger.ts'
import { createBackgroundWork, maxBackgroundMs } from '../../src/gateway/background-work.ts'

/** Ends when it is aborted; resolves with the reason. */
function waiting() {
  const ended = Promise.withResolvers<unknown>()
  const work = async (signal: AbortSignal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    ended.resolve(signal.reason)
  }
  return { work, ended: ended.promise }
}

describe('createBackgroundWork', () => {
  it('ends a work that is cancelled before it says so, and only that', async () => {
    const background = createBackgroundWork({ logger: silentLogger })
    const one = waiting()
    const other = waiting()
    background.begin('one', one.work)
    background.begin('other', other.work)
    await background.cancel('one')
    expect(await one.ended).toMatchObject({ name: 'AbortError' })
    await background.cancel('never begun')
    await background.close()
    expect(await other.ended).toMatchObject({ code: 'shutting_down' })
  })

  it('takes no more than it may, and again when one is done', async () => {
    const background = createBackgroundWork({ logger: silentLogger, maxRunning: 1 })
    background.begin('one', waiting().work)
    expect(() => background.begin('two', waiting().work)).toThrow(
      expect.objectContaining({ code: 'queue_full' }),
    )
    await background.cancel('one')
    background.begin('two', waiting().work)
    await background.close()
    expect(() => background.begin('three', waiting().work)).toThrow(
      expect.objectContaining({ code: 'shutting_down' }),
    )
  })

  it('gives up a work that takes too long', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const background = createBackgroundWork({ logger: silentLogger })
    const { work, ended } = waiting()
    background.begin('one', work)
    vi.advanceTimersByTime(maxBackgroundMs)
    expect(await ended).toMatchObject({ code: 'upstream_total_timeout' })
    await background.close()
  })

  it('ends what hangs on the signal of a work when the work is over, well or not', async () => {
    const background = createBackgroundWork({ logger: silentLogger })
    const signals: AbortSignal[] = []
    background.begin('good', async (signal) => void signals.push(signal))
    background.begin('bad', (signal) => Promise.reject(new Error(`${signals.push(signal)}`)))
    for (const signal of signals) if (!signal.aborted) await once(signal, 'abort')
    expect(signals).toHaveLength(2)
    await background.close()
  })

  it('logs what a work throws', async () => {
    const lines: { msg: string; err: { message: string } }[] = []
    const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
    const background = createBackgroundWork({
      logger: createLogger({ level: 'info', format: 'json', destination }),
    })
    background.begin('one', () => Promise.reject(new Error('a bug')))
    await background.close()
    expect(lines).toMatchObject([{ msg: 'a background work was lost', err: { message: 'a bug' } }])
  })
})
