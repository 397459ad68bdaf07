// Module `records`: one record a request, made on its way: what was asked, who answered, what went wrong before, how long it took.
// Touches nothing. No prompt and no answer is ever in it; of the site's words only short ones that were taken for a refusal.

/** One attempt with one account. */
export interface AttemptRecord {
  /** `acc_` and 8 hex digits. */
  readonly account: string
  /** Since the request began. */
  readonly atMs: number
  /** How long it waited for the account, and then for its token. */
  readonly queuedMs: number
  tokenMs?: number
  /** All of it, up to its failure or the commit point. */
  ms?: number
  /** `begun`, or what the failure was taken for. */
  outcome?: string
  httpStatus?: number
  /** The site's words that were taken for a refusal, cut. */
  said?: string
  /** What the request did about the failure. */
  move?: string
}

export interface RequestRecord {
  readonly id: string
  /** Epoch ms. */
  readonly startedMs: number
  /** By `performance.now()`: what the times below count from. */
  readonly since: number
  route?: string
  status?: number
  code?: string
  /** A label of the key, never the key. */
  key?: string
  /** The model as the client named it, the ids that the site was asked for, and the one that the site says answered. */
  model?: string
  catalogued?: string
  served?: string
  /** The site named another model than the one asked for. */
  mismatch?: true
  /** Who answered. */
  account?: string
  readonly attempts: AttemptRecord[]
  finish?: string
  firstEventMs?: number
  totalMs?: number
  /** As the site counted them; absent where it does not tell. */
  tokens?: { readonly prompt: number; readonly completion: number; readonly reasoning: number }
  /** What the request asked for and did not get. */
  readonly warnings: string[]
}

export function beginRecord(id: string, startedMs: number): RequestRecord {
  return { id, startedMs, since: performance.now(), attempts: [], warnings: [] }
}

/** Whole ms since the request began. */
export const elapsedMs = ({ since }: RequestRecord): number => Math.round(performance.now() - since)

export interface Records {
  add(record: RequestRecord): void
  /** The newest first. */
  list(): readonly RequestRecord[]
}

/** The last records of this process, in a ring. */
export function createRecords(max = 2000): Records {
  const ring: RequestRecord[] = []
  let next = 0
  return {
    add(record) {
      ring[next] = record
      next = (next + 1) % max
    },
    list: () => [...ring.slice(next), ...ring.slice(0, next)].reverse(),
  }
}
