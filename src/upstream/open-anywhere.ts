import { createUrlJudge, type JudgedUrl, type UrlJudgeOptions, UrlNotAllowed } from '../core/addresses.ts'
import { UpstreamError } from '../core/errors.ts'
import type { OpenReply } from '../core/open-reply.ts'
import { isOwnHost } from './request-headers.ts'
import type { SiteAccess } from './site-calls.ts'

export interface OpenAnywhereOptions extends Pick<UrlJudgeOptions, 'resolve' | 'isPublic'> {
  readonly baseUrl: string
  /** Asks the site's own hosts. */
  readonly openReply: OpenReply
  /** Asks all others: connects to the addresses that it is given. */
  readonly openDirect: OpenReply
}

/** What requests to addresses are made with that are not ours to choose. */
export interface AnywhereAccess extends SiteAccess {
  readonly openAnywhere: OpenReply
}

/** Sends a request to an address that the site, a model, a link or a redirect named. The site's own hosts and storage are asked as
 *  ever; all else has to be public, and is connected to at an address that was judged.
 *  @throws {UpstreamError} `bad-request` for an address that is not public */
export function createOpenAnywhere(options: OpenAnywhereOptions): OpenReply {
  const { baseUrl, openReply, openDirect } = options
  const judge = createUrlJudge(options)

  async function judged(url: URL, signal: AbortSignal): Promise<JudgedUrl> {
    try {
      return await judge(url, signal)
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof UrlNotAllowed)
        throw new UpstreamError('bad-request', { message: notPublic, cause })
      throw new UpstreamError('unavailable', {
        message: 'The host of a file of Genspark is not known.',
        cause,
      })
    }
  }

  return async (request) => {
    if (isSiteHost(request.url, baseUrl)) return openReply(request)
    const { addresses } = await judged(request.url, request.signal)
    return openDirect({ ...request, addresses })
  }
}

const notPublic = 'Genspark names an address for a file that is not public.'

/** Whether a URL is the site's own, or of the storage that it keeps files in: names that nobody else can give an address to.
 *  Source: WIRE 4.10, 5.6 */
function isSiteHost(url: URL, baseUrl: string): boolean {
  if (isOwnHost(url, baseUrl)) return true
  return url.protocol === 'https:' && url.port === '' && siteHosts.test(url.hostname)
}

const siteHosts =
  /^(?:(?:[\w-]+\.)*genspark\.ai|(?:[\w-]+\.)+blob\.core\.windows\.net|genspark[\w-]*(?:\.[\w-]+)?\.azurefd\.net)$/
