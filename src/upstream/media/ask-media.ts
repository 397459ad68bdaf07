import type { CookieAccount } from '../../core/account.ts'
import { UpstreamError } from '../../core/errors.ts'
import type { MediaEvent } from '../../core/media-event.ts'
import type { AskOptions } from '../ask.ts'
import { readAsk } from '../read-ask.ts'
import type { AskMediaInput } from '../upstream.ts'
import { wires } from '../wire.ts'
import { judgeLimit } from './judge-limit.ts'
import { MediaAnswer } from './media-answer.ts'
import { MediaWork } from './media-work.ts'
import { pollTasks } from './poll-tasks.ts'
import { taskSources } from './task-sources.ts'

export interface AskMediaOptions extends AskOptions {
  /** From the ask to the last file (MEDIA_TIMEOUT_S). */
  readonly mediaTimeoutMs: number
  /** Wait between two polls. Default: 2 s, growing to 5 s as the page's does. */
  readonly pollIntervalMs?: number
}

/** One ask for images or a video, from its body to `finished`. Contract: `Upstream.askMedia`. */
export async function* askMedia(
  options: AskMediaOptions,
  input: AskMediaInput,
  account: CookieAccount,
): AsyncGenerator<MediaEvent> {
  const { mediaTimeoutMs, pollIntervalMs = 2_000 } = options
  const limits = { ...options, totalTimeoutMs: mediaTimeoutMs, pollIntervalMs }
  const overtime = new AbortController()
  const timer = setTimeout(() => overtime.abort(new UpstreamError('total-timeout')), mediaTimeoutMs)
  const signal = AbortSignal.any([input.signal, overtime.signal])
  const work = new MediaWork(input.request, options.baseUrl)
  try {
    yield* begin(limits, { ...input, signal }, { account, work })
    const { generation, request } = input
    const sources = taskSources(limits, { generation, account, kind: request.kind })
    for await (const _more of pollTasks(work, { sources, pollIntervalMs, signal })) yield work.progress()
  } catch (error) {
    input.signal.throwIfAborted()
    // What is there is worth having, whatever became of the rest.
    if (!(error instanceof UpstreamError) || !work.hasFiles) throw error
    work.giveUp(error.message)
  } finally {
    clearTimeout(timer)
  }
  yield work.finished()
}

interface Beginning {
  readonly account: CookieAccount
  readonly work: MediaWork
}

/** Asks, and reads the answer until its tasks are known; yields `accepted`. From there on the answer gets the time of one long
 *  wait between polls to end by itself: it may bring files, or go on for as long as they take. */
async function* begin(
  options: AskMediaOptions & { readonly pollIntervalMs: number },
  input: AskMediaInput,
  { account, work }: Beginning,
): AsyncGenerator<MediaEvent> {
  const { generation, request, signal, chatId, token } = input
  const wire = wires[generation]
  const bound = chatId !== undefined
  const answer = new MediaAnswer({
    ...options,
    decodeEvent: wire.createDecoder(false),
    bound,
    countUnknown: () => options.metrics.unknownEvents.inc({ generation }),
    work,
    hasToken: token !== undefined,
  })
  const accepted = (): MediaEvent => ({
    type: 'accepted',
    tasks: work.size,
    ...(answer.projectId !== undefined && { projectId: answer.projectId }),
  })
  const enough = new AbortController()
  let lingering: NodeJS.Timeout | undefined
  try {
    const call = {
      kind: request.kind,
      generation,
      account,
      bound,
      encodeBody: () => wire.encodeMediaRequest(request, { chatId, token }),
      signal: AbortSignal.any([signal, enough.signal]),
    }
    for await (const _read of readAsk(options, call, answer)) {
      if (work.size === 0) continue
      if (!lingering) {
        lingering = setTimeout(() => enough.abort(), options.pollIntervalMs * 2.5)
        yield accepted()
      }
      if (work.isDone) return
    }
  } catch (error) {
    signal.throwIfAborted()
    // Accepted is accepted, even beside a limit (UPSTREAM 5.6); and the ask is never made again.
    if (work.size === 0) throw error instanceof UpstreamError ? judgeLimit(error, options.clock) : error
  } finally {
    clearTimeout(lingering)
    enough.abort()
  }
  if (work.size === 0) answer.conclude()
  if (!lingering) yield accepted()
}
