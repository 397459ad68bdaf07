import { UnavailableError } from '../../core/errors.ts'
import { createInTurn } from '../../core/in-turn.ts'

export type Queue = <Result>(work: () => Promise<Result>) => Promise<Result>

/** Does one piece of work at a time, in the order of the calls.
 *  @throws {UnavailableError} `queue_full` when `maxWaiting` wait already */
export function createQueue({ maxWaiting }: { readonly maxWaiting: number }): Queue {
  let open = 0
  const inTurn = createInTurn()
  return async (work) => {
    if (open > maxWaiting)
      throw new UnavailableError('queue_full', { message: 'Too many schemas wait for a check.' })
    open += 1
    return await inTurn(work).finally(() => {
      open -= 1
    })
  }
}
