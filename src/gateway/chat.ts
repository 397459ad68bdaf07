// Module `gateway`: serves one request from the pool of accounts until an answer has begun; then it never starts over.
// Touches `accounts`, `browser`, `upstream`, `core`; knows neither HTTP nor a dialect.

import { randomUUID } from 'node:crypto'
import type { ChatAnswer, ChatEvent, ChatEventBatch } from '../core/chat-event.ts'
import type { ChatModel, ChatPrompt, ChatRequest, ChatTurn, ContentPart } from '../core/chat-request.ts'
import type { Clock } from '../core/clock.ts'
import { ServiceError } from '../core/errors.ts'
import type { KeyModel } from '../core/key-model.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { effortVariant } from '../models/effort-variant.ts'
import { isServedAsAsked } from '../models/served-model.ts'
import type { CutToTokens } from '../models/tokens.ts'
import { elapsedMs, noteInput, noteSiteUsage, type RequestRecord } from '../records/record.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { tellOtherLevel } from '../upstream/vendor-api/reasoning-levels.ts'
import { type Ask, type AttemptDependencies, attemptUntilBegun, type GatewayCall } from './attempt.ts'
import { chooseSurface, type HasKind, type KeySurface, noKeys } from './choose-surface.ts'
import type { FetchAttachments } from './fetch-attachments.ts'
import { fulfilRequest } from './fulfil-request.ts'
import { type PreMessage, prependMessages } from './stages/render-prompt.ts'

/** Resolves at the commit point of a chat: its first delta is there. Contract: `attemptUntilBegun`. */
export type RunChat = (request: ChatRequest, call: GatewayCall) => Promise<ChatAnswer>

export interface ChatDependencies extends AttemptDependencies {
  readonly upstream: Pick<Upstream, 'generation' | 'checkLogin' | 'ask'>
  readonly metrics: Metrics
  readonly clock: Clock
  readonly fetchAttachments: FetchAttachments
  /** In front of every chat (PRE_MESSAGES_JSON). */
  readonly preMessages: readonly PreMessage[]
  readonly cutToTokens: CutToTokens
  /** Absent: of each kind. */
  readonly hasKind?: HasKind
  /** Absent: there is no API key. */
  readonly keys?: KeySurface
  readonly logger: Logger
  /** Ends an answer of another model than the one asked for (SERVED_MODEL_MISMATCH). */
  readonly servedModelMismatch: 'tell' | 'fail'
}

export function createRunChat(dependencies: ChatDependencies): RunChat {
  const { upstream, metrics, clock, logger, fetchAttachments, preMessages, cutToTokens } = dependencies
  const fulfilOptions = { cutToTokens, createCallId }
  return async function runChat(asked, call) {
    const startedMs = clock.now()
    if (call.record) call.record.model = asked.model.id
    let request = asked.messages.some(namesPictures) ? await withPictures(asked, call) : asked
    if (preMessages.length > 0) request = prependMessages(request, preMessages)
    const answer = await fulfilRequest(
      request,
      (prompt) => askPlain(prompt, call, request.sampling?.effort),
      fulfilOptions,
    )
    metrics.firstEventSeconds.observe((clock.now() - startedMs) / 1000)
    return answer
  }

  async function withPictures(request: ChatRequest, call: GatewayCall): Promise<ChatRequest> {
    const parts = request.messages.flatMap((message) => message.parts)
    return withParts(request, await fetchAttachments(parts, call))
  }

  async function askPlain(
    prompt: ChatPrompt,
    call: GatewayCall,
    effort: string | undefined,
  ): Promise<ChatAnswer> {
    const { hasKind, keys = noKeys } = dependencies
    const surface = chooseSurface(prompt, hasKind, keys)
    const variant = effortVariant(prompt.model, effort)
    let { model } = prompt
    /** What the key is asked for. */
    let keyModel: KeyModel | undefined
    const ask: Ask<ChatEventBatch> = {
      hasHistory: prompt.messages.some(({ role }) => role === 'assistant'),
      tokenLast: prompt.messages.some(({ parts }) => parts.some(({ type }) => type === 'file')),
      send(input) {
        const isKey = input.account.kind === 'api-key'
        keyModel = isKey ? keys.models.servedBy(input.account.key, prompt.model) : undefined
        // A key is told the effort itself.
        model = (!isKey && variant) || prompt.model
        const request = model === prompt.model ? prompt : { ...prompt, model }
        return upstream.ask({ ...input, request, keyModel })
      },
      hasBegun: (batch) => batch.some(isDelta),
      projectIn,
      check: (batch, generation) => {
        if (call.record) noteOutput(call.record, batch)
        const last = batch.at(-1)
        if (last?.type === 'finished')
          noteEnd(last, model, call, keyModel ? [keyModel.id] : model.upstreamIds[generation])
      },
    }
    if (call.record) noteInput(call.record, prompt.messages)
    const { account, pieces } = await attemptUntilBegun(
      dependencies,
      { model: prompt.model.id, use: 'chat', ...surface },
      ask,
      call,
    )
    const isNative = account.kind === 'api-key' && prompt.native !== undefined
    return { events: pieces, isNative, ...(keyModel && { warnings: tellDifference(prompt, keyModel) }) }
  }

  /** The last event tells who answered, and what the site counted. */
  function noteEnd(end: Finished, model: ChatModel, call: GatewayCall, ids: readonly string[]): void {
    const { servedModel: served, usage, reason } = end
    const { record } = call
    if (record) {
      record.model ??= model.id
      record.catalogued = ids.join(',')
      record.finish = reason
      if (served !== undefined) record.served = served
      record.lastEventMs = elapsedMs(record)
      if (usage) noteSiteUsage(record, usage)
    }
    if (served === undefined || isServedAsAsked(served, { ids, mixture: model.mixture })) return
    if (record) record.mismatch = true
    metrics.servedModelMismatches.inc({ model: ids.join(',') })
    logger.warn(
      { requestId: call.requestId, asked: ids.join(','), served, account: record?.account },
      'another model answered than the one asked for',
    )
    if (dependencies.servedModelMismatch === 'tell') return
    throw new ServiceError('model_mismatch', {
      message: `Genspark answered with ${served.slice(0, 80)}, not with ${ids.join(', ')}.`,
    })
  }
}

function noteOutput(record: RequestRecord, batch: ChatEventBatch): void {
  let characters = 0
  for (const event of batch)
    if (event.type === 'text-delta' || event.type === 'reasoning-delta') characters += event.text.length
  record.charactersOut = (record.charactersOut ?? 0) + characters
}

const namesPictures = ({ parts }: ChatTurn): boolean => parts.some(({ type }) => type === 'image-url')
type Finished = Extract<ChatEvent, { type: 'finished' }>

const createCallId = (): string => `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`

/** The same messages with other parts, as many of them. */
function withParts(request: ChatRequest, parts: readonly ContentPart[]): ChatRequest {
  let from = 0
  const messages = request.messages.map((message) => {
    const to = from + message.parts.length
    const own = parts.slice(from, to)
    from = to
    return { ...message, parts: own }
  })
  return { ...request, messages }
}

/** A key's answer in another model or effort than what was asked for. */
function tellDifference({ model, native }: ChatPrompt, keyModel: KeyModel): readonly string[] {
  const { standIn } = model
  const other =
    standIn !== undefined && !isServedAsAsked(keyModel.id, { ids: [standIn], mixture: false })
      ? `${keyModel.id} answers, which is the newest of the family that the API key is served`
      : undefined
  const level = tellOtherLevel(keyModel, native?.sampling?.effort)
  return [other, level].filter((text) => text !== undefined)
}

const isDelta = (event: ChatEvent): boolean =>
  event.type === 'text-delta' ||
  event.type === 'reasoning-delta' ||
  event.type === 'tool-call-started' ||
  (event.type === 'finished' && event.reason === 'content-filter')

function projectIn(batch: ChatEventBatch): string | undefined {
  for (const event of batch) if (event.type === 'project-started') return event.projectId
  return undefined
}
