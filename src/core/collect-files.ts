import { UpstreamError } from './errors.ts'
import type { MediaEvent, MediaFile } from './media-event.ts'

type Progress = Extract<MediaEvent, { type: 'progress' }>
type Finished = Extract<MediaEvent, { type: 'finished' }>

/** Waits for the files of an answer, to its very end, when the account is released. If only some of several pictures came, those
 *  are returned.
 *  @throws {UpstreamError} with the site's own words when none came; any error that the answer breaks with */
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
 *  @throws {UpstreamError} when it has no files; it is not retryable, since the site would refuse the same again */
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
