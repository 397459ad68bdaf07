import { createAccount } from '../../core/account.ts'
import type { AppServices } from '../app-services.ts'
import { toServiceError } from '../render-error.ts'
import type { RequestContext } from '../request-state.ts'

/** The token service for a deanxv/genspark2api whose RECAPTCHA_PROXY_URL points here: a gen-1 token for the cookie in the
 *  `Cookie` header, which need not be one of our accounts. Source: WIRE 3.5
 *
 *  That client sends nothing but `Content-Type` and `Cookie`, so no key can be asked for: open it (VERIFIER_ENDPOINT) on a private
 *  network only. The rate limit and the number of browser pages bound what a caller can use up. A failure has its HTTP status
 *  too: the client takes a reply of status 200 for an answer, whatever code its body has. */
export function createGensparkHandler({ tokens, logger }: Pick<AppServices, 'tokens' | 'logger'>) {
  return async (context: RequestContext): Promise<void> => {
    const cookie = context.get('cookie').trim()
    if (!cookie) return answer(context, 400, { message: 'Missing Cookie header.' })
    try {
      const token = await tokens.token({
        account: { ...createAccount(cookie), isGuest: true },
        generation: 'copilot',
        signal: context.state.signal,
      })
      if (token) return answer(context, 200, { token })
      answer(context, 500, { message: 'This service makes no tokens: its RECAPTCHA_MODE is off.' })
    } catch (error) {
      answer(context, 500, { message: toServiceError(context, error, logger).message })
    }
  }
}

function answer(
  context: RequestContext,
  code: number,
  fields: { token: string } | { message: string },
): void {
  context.set('cache-control', 'no-store')
  context.status = code
  context.body = { code, ...fields }
}
