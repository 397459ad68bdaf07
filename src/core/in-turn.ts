/** Does one thing after the other, in the order of the calls; one that fails does not hold up the next. */
export type InTurn = <Result>(action: () => Promise<Result>) => Promise<Result>

/** @param first  what the first one waits for, done or failed */
export function createInTurn(first: Promise<unknown> = Promise.resolve()): InTurn {
  let last = first
  return (action) => {
    const result = last.then(action)
    last = result.catch(() => {})
    return result
  }
}
