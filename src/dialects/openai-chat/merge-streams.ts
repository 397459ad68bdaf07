/** The pieces of all sources as they come, until the last source has ended; a source is pulled again when its piece was taken.
 *  Left or broken, it leaves them all. Nothing that went by is held, however long one source is waited for.
 *  @throws what the first source fails with */
export async function* mergeStreams<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const arrived: Arrival<T>[] = []
  let arrival = Promise.withResolvers<void>()
  let open = sources.length

  function pull(source: AsyncGenerator<T>): void {
    const result = source.next()
    const arrive = () => {
      arrived.push({ source, result })
      arrival.resolve()
    }
    result.then(arrive, arrive)
  }

  try {
    sources.forEach(pull)
    while (open > 0) {
      await arrival.promise
      arrival = Promise.withResolvers()
      // In the order of their arrival: a source that is always ready must not keep the others waiting.
      for (const { source, result } of arrived.splice(0)) {
        const { done, value } = await result
        if (done) {
          open -= 1
          continue
        }
        yield value
        pull(source)
      }
    }
  } finally {
    // Not awaited: a generator that waits for its upstream ends when that does.
    for (const source of sources) source.return(undefined).catch(() => {})
  }
}

interface Arrival<T> {
  readonly source: AsyncGenerator<T>
  /** Settled. */
  readonly result: Promise<IteratorResult<T>>
}
