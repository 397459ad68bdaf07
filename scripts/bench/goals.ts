/** What is wanted of the service: `must` is the bound, `aim` is better than every peer. */
export interface Goal {
  readonly suite: string
  readonly figure: string
  /** The subject whose figure of the same round is the measure; undefined: the figure itself. */
  readonly against?: string
  readonly wanted: 'at least' | 'at most'
  readonly must: number
  readonly aim: number
}

export type Mark = 'aim' | 'must' | 'missed'

// biome-ignore format: a table, read by its rows
export const goals: readonly Goal[] = [
  goal('small', 'C=32, requests/s', 'translator', 'at least', 0.5, 0.75),
  goal('small', 'C=32, requests/s', 'Portkey', 'at least', 3, 4),
  goal('small', 'C=1, added p50, ms', 'Portkey', 'at most', 0.4, 0.25),
  goal('stream', 'C=32, streams/s', 'translator', 'at least', 0.75, 0.95),
  goal('paced', 'CPU a token, us', 'translator', 'at most', 1.3, 1.1),
  goal('fan-out', '1000 at 10/s, first token p99, ms', 'bare Koa', 'at most', 1.5, 1.1),
  goal('fan-out', '1000 at 10/s, RSS, MB', 'bare Koa', 'at most', 1.4, 1.1),
  goal('fan-out', '3000 at 5/s, failures', undefined, 'at most', 0, 0),
  goal('fan-out', '3000 at 5/s, first token p99, ms', 'bare Koa', 'at most', 1.5, 1.5),
  goal('fan-out', '5000 at 5/s, failures', undefined, 'at most', 0, 0),
  goal('fan-out', '5000 at 5/s, first token p99, ms', 'bare Koa', 'at most', 1.5, 1.5),
  goal('large', '10 MB picture in, CPU, ms', 'bare Koa', 'at most', 1.5, 1.2),
  goal('large', '1 MB answer out, CPU, ms', 'bare Koa', 'at most', 1.3, 1.1),
  goal('large', '100 KB history, CPU with usage : without', undefined, 'at most', 1.3, 1.1),
  goal('tools', '24 tools, CPU strict : not strict', undefined, 'at most', 1.3, 1.1),
  goal('start', 'first answer, ms', 'Portkey', 'at most', 1.2, 0.8),
  goal('idle', 'RSS, MB', undefined, 'at most', 120, 95),
  goal('idle', 'RSS after one answer, MB', undefined, 'at most', 120, 95),
  goal('idle', 'RSS after small, MB', 'bare Koa', 'at most', 1.5, 1.5),
  goal('abort', 'until the site is idle, ms', undefined, 'at most', 60, 40),
  goal('soak', 'RSS slope, %', undefined, 'at most', 5, 3),
  goal('tokens', 'p99 of our wait, ms', undefined, 'at most', 1, 0.5),
  goal('accounts', 'requests/s, 20 accounts : 4', undefined, 'at least', 0.7, 1),
  goal('accounts', 'least share of 2,000 : even share', undefined, 'at least', 0.5, 0.5),
  goal('page', 'first event, added p50, ms', undefined, 'at most', 5, 5),
  goal('page', 'first event, added p99, ms', undefined, 'at most', 25, 25),
  goal('page', 'first event, added by auto, p50, ms', undefined, 'at most', 0.1, 0.05),
  goal('page', '100 at 20/s, added p50, ms', undefined, 'at most', 10, 10),
  goal('page', '100 at 20/s, added cores', undefined, 'at most', 0.9, 0.45),
  goal('tokens', '50 at once : one', undefined, 'at most', 1.5, 1.2),
]

function goal(
  suite: string,
  figure: string,
  against: string | undefined,
  wanted: Goal['wanted'],
  must: number,
  aim: number,
): Goal {
  return { suite, figure, wanted, must, aim, ...(against === undefined ? {} : { against }) }
}

export function markGoal({ wanted, must, aim }: Goal, value: number): Mark {
  const reaches = (bound: number) => (wanted === 'at least' ? value >= bound : value <= bound)
  if (reaches(aim)) return 'aim'
  return reaches(must) ? 'must' : 'missed'
}
