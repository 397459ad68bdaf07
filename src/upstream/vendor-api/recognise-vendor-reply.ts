import { UpstreamError } from '../../core/errors.ts'
import { isPage } from '../failures/recognise-page.ts'
import { type ReplyEvidence, recogniseReply } from '../failures/recognise-reply.ts'

/** The verdict on a reply to an API key that is neither a stream nor a result. Spent credits come with HTTP 200 and as a notice
 *  in some form; what means another thing for a session with a token and a protocol is read as what it is for a key.
 *  Source: UPSTREAM 11 */
export function recogniseVendorReply(evidence: ReplyEvidence): UpstreamError {
  const { status, text } = evidence
  if (!isPage(text) && (status === 402 || tellsOfSpentCredits(text))) return new UpstreamError('quota-spent')
  const found = recogniseReply({ ...evidence, bound: false })
  switch (found.kind) {
    case 'token-refused':
      return new UpstreamError('unavailable', {
        message: `Genspark refuses this to the API key (HTTP ${status}).`,
        httpStatus: status,
      })
    case 'route-gone':
      // Another account may have the model or the tool: no verdict on this key.
      return new UpstreamError('malformed', {
        message: `Genspark does not have this model or tool for API keys (HTTP ${status}).`,
      })
    default:
      return found
  }
}

export const tellsOfSpentCredits = (text: string): boolean => spentCredits.some((form) => form.test(text))

const spentCredits = [
  /genspark\.ai\/pricing/i,
  /\bcredits?\b[^.]{0,60}\b(?:exhausted|insufficient|used up)\b/i,
  /\b(?:insufficient|out of|no more|not enough)\b[^.]{0,30}\bcredits?\b/i,
  /\binsufficient_(?:quota|credits?)\b/i,
]
