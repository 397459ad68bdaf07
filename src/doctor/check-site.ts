import type { Upstream } from '../upstream/upstream.ts'
import { describeFailure, withinMs } from './describe-failure.ts'
import type { Finding } from './finding.ts'

/** Is the site reached, and not a page of Cloudflare in its place? Asks for the public lists of its models. */
export async function checkSite(upstream: Pick<Upstream, 'modelLists'>): Promise<Finding> {
  const part = 'site'
  try {
    const { text, image } = await upstream.modelLists(AbortSignal.timeout(withinMs))
    return { state: 'ok', part, text: `answers; it lists ${text.length + image.length} models` }
  } catch (error) {
    const remedy = 'look at the network, at GENSPARK_BASE_URL and PROXY_URL'
    return { state: 'fault', part, ...describeFailure(error, remedy) }
  }
}
