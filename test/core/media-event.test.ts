import { describe, expect, it } from 'vitest'
import { UpstreamError } from '../../src/core/errors.ts'
import type { MediaEvent } from '../../src/core/media-event.ts'
import { collectFiles } from '../../src/core/media-event.ts'

const file = { url: 'https://cdn.example.com/a.png', needsCookie: false }

function answer(...events: MediaEvent[]) {
  const state = { readToItsEnd: false }
  async function* all() {
    yield* events
    state.readToItsEnd = true
  }
  return { state, events: all() }
}

describe('collectFiles', () => {
  it('reads the answer to its end, so that the account is let go of as good', async () => {
    const { state, events } = answer(
      { type: 'accepted', tasks: 1 },
      { type: 'finished', files: [file], failures: [] },
    )
    expect(await collectFiles(events)).toEqual([file])
    expect(state.readToItsEnd).toBe(true)
  })

  it('reads to the end also where nothing was made, and tells the first cause, cut to size', async () => {
    const { state, events } = answer({ type: 'finished', files: [], failures: ['x'.repeat(10_000), 'y'] })
    const failure = (await collectFiles(events).catch((error: unknown) => error)) as UpstreamError
    expect(failure).toBeInstanceOf(UpstreamError)
    expect(failure.message).toBe(`Genspark could not make it: ${'x'.repeat(500)}`)
    expect(state.readToItsEnd).toBe(true)
  })

  it('takes an answer without an end for a broken one', async () => {
    const { events } = answer({ type: 'accepted', tasks: 1 })
    await expect(collectFiles(events)).rejects.toMatchObject({ kind: 'reset' })
  })
})
