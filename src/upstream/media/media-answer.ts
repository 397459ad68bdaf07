import type { Clock } from '../../core/clock.ts'
import { UpstreamError } from '../../core/errors.ts'
import { Answer, type AnswerOptions } from '../answer.ts'
import { parseEvent } from '../parse-event.ts'
import { judgeLimit } from './judge-limit.ts'
import type { MediaWork } from './media-work.ts'
import { findResultUrls } from './result-url.ts'
import { failed } from './task-state.ts'

export interface MediaAnswerOptions extends AnswerOptions {
  readonly work: MediaWork
  readonly baseUrl: string
  readonly clock: Clock
  /** The ask had a reCAPTCHA token. */
  readonly hasToken: boolean
}

/** The answer to an image or video ask: a chat's, that also tells of tasks. */
export class MediaAnswer extends Answer {
  /** The chat that the site made or went on with. */
  projectId: string | undefined
  #options: MediaAnswerOptions
  #words = ''
  #toolValues = ''

  constructor(options: MediaAnswerOptions) {
    super({ ...options, decodeEvent: (event) => this.#decodeEvent(event) })
    this.#options = options
  }

  /** The ask has ended and told of no task: then its words name files, or say why there are none.
   *  @throws {UpstreamError} when they do neither  Source: UPSTREAM 5.6 (fallback places), 3.4 */
  conclude(): void {
    const { work, baseUrl, clock, hasToken } = this.#options
    if (this.limit) throw judgeLimit(this.limit, clock)
    const urls = this.closed || this.complete ? findResultUrls(this.#words + this.#toolValues, baseUrl) : []
    for (const { href } of urls)
      work.add({ id: undefined, state: { type: 'succeeded', urls: [href] }, prompt: undefined })
    if (urls.length > 0) return
    this.finish()
    const refusal = parseEvent(this.#words) ? '' : this.#words.trim()
    if (refusal) return work.add({ id: 'the answer', state: failed(refusal), prompt: undefined })
    throw hasToken ? new UpstreamError('empty') : new UpstreamError('token-refused')
  }

  #decodeEvent(event: Readonly<Record<string, unknown>>): boolean {
    const { work, decodeEvent } = this.#options
    const tellsOfTasks = work.collect(event)
    if (String(event.field_name).includes('tool_calls') && event.field_value !== undefined)
      this.#toolValues = `${this.#toolValues} ${JSON.stringify(event.field_value)}`.slice(0, maxWordsLength)
    const isUseful = (tellsOfTasks && event.type !== 'message_result') || decodeEvent(event, this)
    this.#readEvents()
    return isUseful
  }

  #readEvents(): void {
    for (const event of this.take()) {
      if (event.type === 'project-started') this.projectId = event.projectId
      if (event.type === 'text-delta') this.#words = (this.#words + event.text).slice(0, maxWordsLength)
    }
  }
}

const maxWordsLength = 64 * 1024
