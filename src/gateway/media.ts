import type { Account } from '../core/account.ts'
import type { MediaEvent } from '../core/media-event.ts'
import type { MediaRequest } from '../core/media-request.ts'
import { elapsedMs, type RequestRecord } from '../records/record.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { tellTerms } from '../upstream/vendor-api/media-contract.ts'
import { type Ask, type AttemptDependencies, attemptUntilBegun, type GatewayCall } from './attempt.ts'
import { chooseMediaSurface, type HasKind } from './choose-surface.ts'

export interface MediaAnswer {
  /** Whose cookie opens the result files. */
  readonly account: Account
  /** From `accepted` to `finished`. Throws a ServiceError if the work breaks off: it is never begun twice. */
  readonly events: AsyncIterable<MediaEvent>
  /** What was asked for and is not got of this account, in words; in the record already. */
  readonly warnings?: readonly string[]
}

/** Resolves at the commit point of images and videos: the site has taken the work on. Contract: `attemptUntilBegun`. */
export type RunMedia = (request: MediaRequest, call: GatewayCall) => Promise<MediaAnswer>

export interface MediaDependencies extends AttemptDependencies {
  readonly upstream: Pick<Upstream, 'generation' | 'checkLogin' | 'askMedia'>
  /** Absent: of each kind. */
  readonly hasKind?: HasKind
}

/** What the account has no field for, in words. */
function tellUnused(request: MediaRequest, { kind }: Account): readonly string[] {
  if (kind === 'api-key') {
    const unused =
      request.kind === 'image' ? (['quality', 'style'] as const).filter((field) => request[field]) : []
    return [
      ...unused.map((field) => `${field} is not used: API keys have no field for it`),
      ...tellTerms(request),
    ]
  }
  if (request.kind === 'image') return []
  const { videoSize, tier, sound } = request
  return Object.entries({ size: videoSize, tier, audio_enable: sound })
    .filter(([, value]) => value !== undefined)
    .map(
      ([field, value]) => `${field} ${String(value).slice(0, 40)} is not used: the site has no field for it`,
    )
}

export function createRunMedia(dependencies: MediaDependencies): RunMedia {
  return async function runMedia(request, call) {
    const { record } = call
    if (record) noteRequest(record, request)
    let unused: readonly string[] = []
    const ask: Ask<MediaEvent> = {
      send(input) {
        unused = tellUnused(request, input.account)
        if (record) record.catalogued = request.model.upstreamIds[input.generation]
        return dependencies.upstream.askMedia({ ...input, request })
      },
      hasBegun: () => true,
      ...(record && { check: (event: MediaEvent) => noteEnd(record, event) }),
      projectIn: (event) => (event.type === 'accepted' ? event.projectId : undefined),
    }
    const kind = chooseMediaSurface(request.model, dependencies.hasKind)
    const { account, pieces } = await attemptUntilBegun(
      dependencies,
      { model: request.model.id, use: request.kind, ...(kind && { kind }) },
      ask,
      call,
    )
    record?.warnings.push(...unused)
    return { account, events: pieces, warnings: unused }
  }
}

function noteRequest(record: RequestRecord, request: MediaRequest): void {
  const { kind, prompt, images, model } = request
  record.model = model.id
  record.charactersIn = prompt.length
  record.attachments = images.length
  record.media = { kind, wanted: kind === 'image' ? request.count : 1, made: 0, failed: 0 }
}

function noteEnd(record: RequestRecord, event: MediaEvent): void {
  if (event.type !== 'finished' || !record.media) return
  record.lastEventMs = elapsedMs(record)
  record.media.made = event.files.length
  record.media.failed = event.failures.length
}
