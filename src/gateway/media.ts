import type { Account } from '../core/account.ts'
import type { MediaEvent } from '../core/media-event.ts'
import type { MediaRequest } from '../core/media-request.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Ask } from './attempt.ts'
import { type AttemptLoopRooms, attemptUntilBegun, type GatewayCall } from './attempt-loop.ts'

export interface MediaAnswer {
  /** Whose cookie opens the result files. */
  readonly account: Account
  /** From `accepted` to `finished`. Throws a ServiceError if the work breaks off: it is never begun twice. */
  readonly events: AsyncIterable<MediaEvent>
}

/** Resolves at the commit point of images and videos: the site has taken the work on. Contract: `attemptUntilBegun`. */
export type RunMedia = (request: MediaRequest, call: GatewayCall) => Promise<MediaAnswer>

export interface MediaRooms extends AttemptLoopRooms {
  readonly upstream: Pick<Upstream, 'generation' | 'askMedia'>
}

export function createRunMedia(rooms: MediaRooms): RunMedia {
  return async function runMedia(request, call) {
    const ask: Ask<MediaEvent> = {
      send: (input) => rooms.upstream.askMedia({ ...input, request }),
      hasBegun: () => true,
      projectIn: (event) => (event.type === 'accepted' ? event.projectId : undefined),
    }
    const { lease, pieces } = await attemptUntilBegun(
      rooms,
      { model: request.model.id, use: request.kind },
      ask,
      call,
    )
    return { account: lease.account, events: pieces }
  }
}
