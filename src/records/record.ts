import type { Account } from '../core/account.ts'
import { ServiceError, UpstreamError } from '../core/errors.ts'
// Module `records`: one record a request, made on its way: what was asked, who answered, what went wrong before, how long it took.
// Touches `core`. No prompt and no answer is ever in it; of the site's words only short ones that were taken for a refusal.

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

/** An attempt with a leased account begins. */
export function noteAttempt(record: RequestRecord, account: Account, queuedSince: number): AttemptRecord {
  const now = performance.now()
  const noted: AttemptRecord = {
    account: account.label,
    atMs: Math.round(now - record.since),
    queuedMs: Math.round(now - queuedSince),
  }
  record.attempts.push(noted)
  return noted
}

/** It has begun to answer. */
export function noteBegun(record: RequestRecord, noted: AttemptRecord): void {
  const atMs = elapsedMs(record)
  noted.ms = atMs - noted.atMs
  noted.outcome = 'begun'
  record.account = noted.account
  record.firstEventMs ??= atMs
}

/** It failed before that. */
export function noteFailure(record: RequestRecord, noted: AttemptRecord, error: unknown): void {
  noted.ms = elapsedMs(record) - noted.atMs
  if (error instanceof UpstreamError) {
    noted.outcome = error.kind
    if (error.httpStatus !== undefined) noted.httpStatus = error.httpStatus
    if (error.said !== undefined) noted.said = error.said
  } else noted.outcome = error instanceof ServiceError ? error.code : 'aborted'
}

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
