import { z } from 'zod'
import type { AttemptRecord, RequestRecord } from '../records/record.ts'
import { outcomeOf, type RecordCursor, type RecordPage, type RecordQuery } from '../records/ring.ts'
import { checkShape, invalidValue } from './check-shape.ts'

const word = z.string().min(1).max(200).optional()
const whole = z.coerce.number().int().min(0).optional()

const querySchema = z.strictObject({
  id: word,
  outcome: z.enum(['ok', 'failed', 'abandoned']).optional(),
  code: word,
  model: word,
  account: word,
  key: word,
  dialect: word,
  slower_than_ms: whole,
  attempts_above: whole,
  mismatch: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  cursor: word,
  limit: z.coerce.number().int().min(1).max(200).default(50),
})

/** The query of `GET /admin/requests`.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseRequestQuery(query: unknown): RecordQuery {
  const { cursor, slower_than_ms, attempts_above, ...rest } = checkShape(querySchema, {
    ...(query as object),
  })
  return {
    ...rest,
    slowerThanMs: slower_than_ms,
    attemptsAbove: attempts_above,
    cursor: cursor === undefined ? undefined : parseCursor(cursor),
  }
}

const encodeCursor = ({ position, endedMs }: RecordCursor): string => `${position}.${endedMs}`

function parseCursor(text: string): RecordCursor {
  const [, position, endedMs] = /^(\d+(?:-\d+)?)\.(\d+)$/.exec(text) ?? []
  if (position === undefined) throw invalidValue('cursor', 'must be the `next_cursor` of a page')
  return { position, endedMs: Number(endedMs) }
}

/** A page of `GET /admin/requests`, the newest first; `partial`: this replica's alone, since Redis cannot be read. */
export const encodeRequestPage = ({ records, next, isPartial }: RecordPage) => ({
  object: 'list',
  data: records.map(encodeRequest),
  next_cursor: next ? encodeCursor(next) : null,
  partial: isPartial,
})

/** A request as the operator sees it: times are ms since it began. No prompt and no answer is in it. */
export function encodeRequest(record: RequestRecord) {
  const { tokens, media } = record
  return {
    object: 'request',
    id: record.id,
    time: new Date(record.startedMs).toISOString(),
    replica: record.replica ?? null,
    method: record.method ?? null,
    route: record.route ?? null,
    dialect: record.dialect ?? null,
    key: record.key ?? null,
    client: record.client ?? null,
    model: {
      asked: record.model ?? null,
      catalogued: record.catalogued ?? null,
      served: record.served ?? null,
      mismatch: record.mismatch ?? false,
    },
    stream: record.stream ?? false,
    outcome: outcomeOf(record),
    status: record.status ?? null,
    code: record.code ?? null,
    finish: record.finish ?? null,
    account: record.account ?? null,
    conversation: record.conversation ?? null,
    size: {
      characters_in: record.charactersIn ?? null,
      characters_out: record.charactersOut ?? null,
      attachments: record.attachments ?? null,
    },
    tokens: tokens
      ? {
          in: tokens.prompt,
          out: tokens.completion,
          reasoning: tokens.reasoning,
          source: record.tokensBy ?? 'estimated',
        }
      : null,
    times: {
      headers_ms: record.headersMs ?? null,
      first_event_ms: record.firstEventMs ?? null,
      last_event_ms: record.lastEventMs ?? null,
      total_ms: record.totalMs ?? null,
    },
    attempts: record.attempts.map(encodeAttempt),
    media: media ?? null,
    warnings: record.warnings,
  }
}

const encodeAttempt = (attempt: AttemptRecord) => ({
  account: attempt.account,
  at_ms: attempt.atMs,
  queued_ms: attempt.queuedMs,
  token_ms: attempt.tokenMs ?? null,
  token: attempt.token ?? null,
  ms: attempt.ms ?? null,
  outcome: attempt.outcome ?? null,
  http_status: attempt.httpStatus ?? null,
  said: attempt.said ?? null,
  move: attempt.move ?? null,
})
