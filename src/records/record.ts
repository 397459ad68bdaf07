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
  /** Where its token came from: made before (`shelf`), for it (`mint`), by the token service (`remote`), or there was none. */
  token?: TokenOrigin
  /** How old it was when it was sent. */
  tokenAgeMs?: number
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

export type TokenOrigin = 'shelf' | 'mint' | 'remote' | 'none'

/** Pictures or videos. */
export interface MediaRecord {
  readonly kind: 'image' | 'video'
  readonly wanted: number
  made: number
  failed: number
}

export interface RequestRecord {
  readonly id: string
  /** Epoch ms. */
  readonly startedMs: number
  /** By `performance.now()`: what the times below count from. */
  readonly since: number
  /** The process that served it. */
  replica?: string
  method?: string
  route?: string
  /** The public format of the route. */
  dialect?: string
  /** The program that asks, by the first name in its `User-Agent`. */
  client?: string
  stream?: true
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
  /** The chat that the site made or went on with. */
  conversation?: string
  /** When status and headers of a stream went out. */
  headersMs?: number
  firstEventMs?: number
  lastEventMs?: number
  totalMs?: number
  /** What was sent, in UTF-16 units and files; of several asks each. */
  charactersIn?: number
  attachments?: number
  charactersOut?: number
  tokens?: { readonly prompt: number; readonly completion: number; readonly reasoning: number }
  /** Who counted: the site, we for the client, or nobody (by length). */
  tokensBy?: 'site' | 'counted' | 'estimated'
  media?: MediaRecord
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
export function noteBegun(
  record: RequestRecord,
  noted: AttemptRecord,
  conversation: string | undefined,
): void {
  const atMs = elapsedMs(record)
  noted.ms = atMs - noted.atMs
  noted.outcome = 'begun'
  record.account = noted.account
  record.firstEventMs ??= atMs
  if (conversation !== undefined) record.conversation = conversation
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

/** What is sent to the site for it. */
export function noteInput(record: RequestRecord, messages: readonly NotedMessage[]): void {
  let characters = 0
  let attachments = 0
  for (const { parts } of messages)
    for (const part of parts) {
      if (part.text !== undefined) characters += part.text.length
      else attachments += 1
    }
  record.charactersIn = (record.charactersIn ?? 0) + characters
  record.attachments = (record.attachments ?? 0) + attachments
}

interface NotedMessage {
  readonly parts: readonly { readonly type: string; readonly text?: string }[]
}

type Tokens = NonNullable<RequestRecord['tokens']>

/** What we counted for the client, unless the site has told its own figure. */
export function noteCounted(record: RequestRecord, tokens: Tokens): void {
  if (record.tokensBy === 'site') return
  record.tokens = addTokens(record.tokens, tokens)
  record.tokensBy = 'counted'
}

/** Of several asks the figures add up. */
export function noteSiteUsage(record: RequestRecord, tokens: Tokens): void {
  record.tokens = addTokens(record.tokensBy === 'site' ? record.tokens : undefined, tokens)
  record.tokensBy = 'site'
}

function addTokens(one: Tokens | undefined, other: Tokens): Tokens {
  if (!one) return other
  return {
    prompt: one.prompt + other.prompt,
    completion: one.completion + other.completion,
    reasoning: one.reasoning + other.reasoning,
  }
}

/** It has ended: what nobody counted is told by length, four characters a token. */
export function endRecord(record: RequestRecord): void {
  record.totalMs = elapsedMs(record)
  if (record.tokens || record.charactersIn === undefined) return
  record.tokens = {
    prompt: Math.ceil(record.charactersIn / 4),
    completion: Math.ceil((record.charactersOut ?? 0) / 4),
    reasoning: 0,
  }
  record.tokensBy = 'estimated'
}

/** The first name in a `User-Agent`: the program, never its version or what else stands there. */
export function clientName(userAgent: string | undefined): string | undefined {
  return userAgent === undefined ? undefined : /^[A-Za-z][\w.-]{0,39}(?=[/ (]|$)/.exec(userAgent)?.[0]
}

/** The public format of a route. */
export function dialectOf(route: string): string | undefined {
  if (route.includes('/chat/completions')) return 'openai-chat'
  if (route.includes('/responses')) return 'openai-responses'
  if (route.includes('/messages')) return 'anthropic-messages'
  if (route.includes('/images/')) return 'openai-images'
  if (route.includes('/videos')) return 'openai-videos'
  return route.includes('/v1beta') ? 'gemini' : undefined
}
