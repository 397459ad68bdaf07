import { UpstreamError } from './errors.ts'
import type { WireGeneration } from './wire-generation.ts'

/** What a media ask and the polling of its tasks are decoded into; a failure as a whole is thrown as `UpstreamError`. */
export type MediaEvent =
  /** The site has taken the work on: from here on it is not begun again elsewhere. */
  | {
      readonly type: 'accepted'
      readonly tasks: number
      /** The chat that the site made or went on with. */
      readonly projectId?: string
      /** With which whoever lives can go on waiting for the files. */
      readonly resume?: MediaResume
    }
  | { readonly type: 'progress'; readonly done: number; readonly tasks: number }
  /** The last event; at least one file, or at least one failure. */
  | { readonly type: 'finished'; readonly files: readonly MediaFile[]; readonly failures: readonly string[] }

/** Tasks of the site as it knows them; of one account. Plain data. */
export interface MediaResume {
  readonly generation: WireGeneration
  readonly taskIds: readonly string[]
}

export interface MediaFile {
  /** Of the site, absolute. */
  readonly url: string
  /** Loads only with the account's cookie (WIRE 5.6, `/api/files/s/`). */
  readonly needsCookie: boolean
  /** The prompt as the site rewrote it. */
  readonly revisedPrompt?: string
}

type Progress = Extract<MediaEvent, { type: 'progress' }>
type Finished = Extract<MediaEvent, { type: 'finished' }>

/** Waits for the files of an answer, to its very end, which is when the account is released. Of several pictures those that
 *  came are worth having, whatever became of the others.
 *  @throws {UpstreamError} with the site's own words when none came; whatever the answer breaks with */
export async function collectFiles(
  events: AsyncIterable<MediaEvent>,
  onProgress?: (progress: Progress) => Promise<void>,
): Promise<Files> {
  let finished: Finished | undefined
  for await (const event of events) {
    if (event.type === 'finished') finished = event
    else if (event.type === 'progress') await onProgress?.(event)
  }
  return filesOf(finished)
}

export type Files = readonly [MediaFile, ...MediaFile[]]

/** @param finished  the last event of an answer, once that is over
 *  @throws {UpstreamError} when it has no files; not to be tried again: what the site refuses once it refuses twice */
export function filesOf(finished: Finished | undefined): Files {
  if (!finished) throw new UpstreamError('reset')
  const [first, ...others] = finished.files
  if (first) return [first, ...others]
  const cause = finished.failures[0]?.slice(0, maxCauseLength)
  throw new UpstreamError('bad-request', {
    message: cause ? `Genspark could not make it: ${cause}` : 'Genspark made nothing and did not say why.',
    retryable: false,
  })
}

const maxCauseLength = 500
