import { UnavailableError } from '../../core/errors.ts'

export type Queue = <Result>(work: () => Promise<Result>) => Promise<Result>

/** Does one piece of work at a time, in the order of the calls.
 *  @throws {UnavailableError} `queue_full` when `maxWaiting` wait already */
export function createQueue({ maxWaiting }: { readonly maxWaiting: number }): Queue {
  let open = 0
  let last: Promise<unknown> = Promise.resolve()
  return async (work) => {
    if (open > maxWaiting)
      throw new UnavailableError('queue_full', { message: 'Too many schemas wait for a check.' })
    open += 1
    const result = last.then(work).finally(() => {
      open -= 1
    })
    last = result.catch(() => {})
    return await result
  }
}
