import type { CookieAccount } from '../../core/account.ts'
import type { Clock } from '../../core/clock.ts'
import { liveDeadline } from '../../core/deadline.ts'
import { UpstreamError } from '../../core/errors.ts'
import type { MediaEvent } from '../../core/media-event.ts'
import type { WireGeneration } from '../../core/wire-generation.ts'
import { Answer, type AnswerOptions } from '../answer.ts'
import { type AskOptions, AskStream, type EventConsumer, type RouteUse } from '../ask-stream.ts'
import { type Cut, createCut } from '../deadlines.ts'
import { parseEvent } from '../decode-parts.ts'
import { wires } from '../generation.ts'
import type { AskMediaInput, ResumeMediaInput } from '../upstream.ts'
import { findResultUrls, MediaWork } from './media-work.ts'
import { pollTasks, taskSources } from './poll-tasks.ts'
import { failed, findTasksInContent } from './tasks.ts'

export interface AskMediaOptions extends AskOptions {
  /** From the ask to the last file (MEDIA_TIMEOUT_S). */
  readonly mediaTimeoutMs: number
  /** Wait between two polls. Default: 2 s, growing to 5 s as the page's does. */
  readonly pollIntervalMs?: number
}

export interface MediaSender {
  readonly account: CookieAccount
  readonly route: RouteUse
}

/** One ask for images or a video, from its body to `finished`. Contract: `Upstream.askMedia`. */
export async function* askMedia(
  options: AskMediaOptions,
  input: AskMediaInput,
  sender: MediaSender,
): AsyncGenerator<MediaEvent> {
  const { mediaTimeoutMs, pollIntervalMs = 2_000 } = options
  const limits = { ...options, totalTimeoutMs: mediaTimeoutMs, pollIntervalMs }
  const cut = createCut(input.signal)
  const stop = liveDeadline(mediaTimeoutMs, () => cut.abort(new UpstreamError('total-timeout')))
  const work = new MediaWork(input.request, options.baseUrl)
  try {
    yield* begin(limits, { ...input, signal: cut.signal }, { ...sender, work })
    const { generation, request } = input
    const sources = taskSources(limits, { generation, account: sender.account, kind: request.kind })
    const polls = pollTasks(work, { sources, pollIntervalMs, signal: cut.signal })
    for await (const _more of polls) yield work.progress()
  } catch (error) {
    input.signal.throwIfAborted()
    // Keep the files that exist even if the rest failed.
    if (!(error instanceof UpstreamError) || !work.hasFiles) throw error
    work.giveUp(error.message)
  } finally {
    stop()
    cut.release()
  }
  yield work.finished()
}

/** Goes on waiting for the files of tasks that another process began. Contract: `Upstream.resumeMedia`. */
export async function* resumeMedia(
  options: AskMediaOptions,
  { account, request, resume, signal: callerSignal }: ResumeMediaInput,
): AsyncGenerator<MediaEvent> {
  const { mediaTimeoutMs, pollIntervalMs = 2_000 } = options
  const cut = createCut(callerSignal)
  const { signal } = cut
  const stop = liveDeadline(mediaTimeoutMs, () => cut.abort(new UpstreamError('total-timeout')))
  const work = new MediaWork(request, options.baseUrl)
  for (const id of resume.taskIds) work.add({ id, state: { type: 'pending' }, prompt: undefined })
  try {
    const limits = { ...options, totalTimeoutMs: mediaTimeoutMs }
    const sources = taskSources(limits, { generation: resume.generation, account, kind: request.kind })
    for await (const _more of pollTasks(work, { sources, pollIntervalMs, signal })) yield work.progress()
  } catch (error) {
    callerSignal.throwIfAborted()
    if (!(error instanceof UpstreamError) || !work.hasFiles) throw error
    work.giveUp(error.message)
  } finally {
    stop()
    cut.release()
  }
  yield work.finished()
}

interface Beginning extends MediaSender {
  readonly work: MediaWork
}

/** Asks, and reads the answer until its tasks are known; yields `accepted`. From there on the answer gets the time of one long
 *  wait between polls to end by itself: it may bring files, or go on for as long as they take. */
async function* begin(
  options: AskMediaOptions & { readonly pollIntervalMs: number },
  input: AskMediaInput,
  { account, route, work }: Beginning,
): AsyncGenerator<MediaEvent> {
  const { generation, request, signal, chatId, token } = input
  const wire = wires[generation]
  const bound = chatId !== undefined
  const answer = new MediaAnswer({
    ...options,
    decodeEvent: wire.createDecoder(false),
    bound,
    generation,
    countUnknown: () => options.metrics.unknownEvents.inc({ generation }),
    work,
    hasToken: token !== undefined,
  })
  const accepted = (): MediaEvent => ({
    type: 'accepted',
    tasks: work.size,
    // Pictures are waited for by whoever asked.
    ...(request.kind === 'video' && { resume: { generation, taskIds: work.pendingIds() } }),
    ...(answer.projectId !== undefined && { projectId: answer.projectId }),
  })
  const enough: Cut = createCut(signal)
  let lingering: NodeJS.Timeout | undefined
  try {
    const call = {
      kind: request.kind,
      generation,
      account,
      path: wire.path,
      route,
      bound,
      encodeBody: () => wire.encodeMediaRequest(request, { chatId, token }),
      signal: enough.signal,
    }
    for await (const _read of new AskStream(options, call, answer)) {
      if (work.size === 0) continue
      if (!lingering) {
        lingering = setTimeout(() => enough.abort('enough'), options.pollIntervalMs * 2.5)
        yield accepted()
      }
      if (work.isDone) return
    }
  } catch (error) {
    signal.throwIfAborted()
    // Accepted tasks count even if a limit was reported beside them (WIRE 5.6), and an ask is never repeated.
    if (work.size === 0) throw error instanceof UpstreamError ? judgeLimit(error, options.clock) : error
  } finally {
    clearTimeout(lingering)
    enough.release()
  }
  if (work.size === 0) answer.conclude()
  if (!lingering) yield accepted()
}

interface MediaAnswerOptions extends AnswerOptions {
  readonly work: MediaWork
  readonly baseUrl: string
  readonly clock: Clock
  readonly generation: WireGeneration
  /** The ask had a reCAPTCHA token. */
  readonly hasToken: boolean
}

/** The answer to an image or video ask: that of a chat, with tasks in it. */
class MediaAnswer implements EventConsumer<'read'> {
  /** The chat that the site made or went on with. */
  projectId: string | undefined
  readonly #options: MediaAnswerOptions
  readonly #answer: Answer
  #hasRead = false
  #words = ''
  #toolValues = ''

  constructor(options: MediaAnswerOptions) {
    const { work, generation, decodeEvent } = options
    this.#options = options
    this.#answer = new Answer({
      ...options,
      decodeEvent: (event, answer) => {
        const inContent = generation === 'copilot' && work.collect(event, findTasksInContent)
        const tellsOfTasks = work.collect(event) || inContent
        this.#noteToolValues(event)
        return (tellsOfTasks && event.type !== 'message_result') || decodeEvent(event, answer)
      },
    })
  }

  get closed(): boolean {
    return this.#answer.closed
  }

  decode(data: string): boolean {
    const isUseful = this.#answer.decode(data)
    this.#hasRead = true
    return isUseful
  }

  take(): 'read' | undefined {
    for (const event of this.#answer.take() ?? []) {
      if (event.type === 'project-started') this.projectId = event.projectId
      if (event.type === 'text-delta') this.#words = (this.#words + event.text).slice(0, maxWordsLength)
    }
    const hasRead = this.#hasRead
    this.#hasRead = false
    return hasRead ? 'read' : undefined
  }

  finish(): undefined {}

  finishInSpiteOf(error: unknown): never {
    throw error
  }

  /** The ask has ended and told of no task: then its words name files, or say why there are none.
   *  @throws {UpstreamError} when they do neither  Source: WIRE 5.6 (fallback places), 3.4 */
  conclude(): void {
    const { work, baseUrl, clock, hasToken } = this.#options
    const answer = this.#answer
    if (answer.limit) throw judgeLimit(answer.limit, clock)
    const isWhole = answer.closed || answer.complete
    const urls = isWhole ? findResultUrls(this.#words + this.#toolValues, baseUrl) : []
    for (const { href } of urls)
      work.add({ id: undefined, state: { type: 'succeeded', urls: [href] }, prompt: undefined })
    if (urls.length > 0) return
    answer.finish()
    const refusal = parseEvent(this.#words) ? '' : this.#words.trim()
    if (refusal) return work.add({ id: 'the answer', state: failed(refusal), prompt: undefined })
    throw hasToken ? new UpstreamError('empty') : new UpstreamError('token-refused')
  }

  #noteToolValues({ field_name: name, field_value: value }: Readonly<Record<string, unknown>>): void {
    if (value === undefined || !String(name).includes('tool_calls')) return
    this.#toolValues = `${this.#toolValues} ${JSON.stringify(value)}`.slice(0, maxWordsLength)
  }
}

const maxWordsLength = 64 * 1024

/** The wall for image asks without a good token names a 5-hour window that ends this long after each ask; the end of a true
 *  window stands still. Source: WIRE 3.4 */
const fakeWindowMs = 90 * 60 * 1000

const toleranceMs = 60 * 1000

/** Tells the wall of a token that was missing or refused from a window that is used up. @returns what to throw */
function judgeLimit(error: UpstreamError, clock: Clock): UpstreamError {
  const { kind, resetAtMs } = error
  if (kind !== 'quota-spent' || resetAtMs === undefined) return error
  const isFake = Math.abs(resetAtMs - clock.now() - fakeWindowMs) <= toleranceMs
  return isFake ? new UpstreamError('token-refused', { cause: error }) : error
}
