import type { Candidate, ChooseAccount } from '../store/embedded-store.ts'

/** Chooses among at least one account, in one walk over them: `least-busy` (random among equals), `random`, or
 *  `round-robin` (the one whose last turn is longest ago). Pure but for `random`.
 *  @param random  from 0 up to but not including 1 */
export function createChooseAccount(random: () => number): ChooseAccount {
  return function chooseAccount(candidates, selection) {
    switch (selection) {
      case 'least-busy':
        return oneOf(leastBusy(candidates), random)
      case 'random':
        return oneOf(candidates, random)
      case 'round-robin':
        return candidates.reduce((longest, each) => (each.lastTurn < longest.lastTurn ? each : longest))
      default:
        return selection satisfies never
    }
  }
}

function leastBusy<C extends Candidate>(candidates: readonly C[]): C[] {
  let equals: C[] = []
  let least = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    if (candidate.inFlight > least) continue
    if (candidate.inFlight < least) equals = []
    least = candidate.inFlight
    equals.push(candidate)
  }
  return equals
}

function oneOf<C>(candidates: readonly C[], random: () => number): C {
  const chosen = candidates[Math.floor(random() * candidates.length)]
  if (chosen === undefined) throw new RangeError('There is nothing to choose among.')
  return chosen
}
