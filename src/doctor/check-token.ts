import { createTokenSource, type TokenSourceOptions } from '../browser/create-token-source.ts'
import type { CookieAccount } from '../core/account.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { describeFailure, withinMs } from './describe-failure.ts'
import type { Finding } from './finding.ts'

export interface CheckTokenOptions extends Omit<TokenSourceOptions, 'random' | 'tokenPrefetch'> {
  readonly generation: WireGeneration
  /** Whose session makes the token; without one there is nothing to make it for. */
  readonly account: CookieAccount | undefined
}

/** Does Chromium start, and does the site's page make a token in it? */
export async function checkToken(options: CheckTokenOptions): Promise<Finding> {
  const { recaptchaMode, account, generation } = options
  const part = 'token'
  if (recaptchaMode === 'off')
    return { state: 'warning', part, text: 'RECAPTCHA_MODE is off: the site may answer from a weaker model' }
  if (!account) return { state: 'warning', part, text: 'not tried: only cookies need one, and there is none' }
  const tokens = createTokenSource({ ...options, tokenPrefetch: 0, random: Math.random })
  const startedAt = performance.now()
  try {
    await tokens.token({ account, generation, signal: AbortSignal.timeout(withinMs) })
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const maker = recaptchaMode === 'remote' ? 'the token service' : 'Chromium'
    return { state: 'ok', part, text: `made by ${maker} in ${seconds} s` }
  } catch (error) {
    const remedy =
      recaptchaMode === 'remote' ? 'look at RECAPTCHA_PROXY_URL' : 'look at BROWSER_EXECUTABLE and PROXY_URL'
    return { state: 'fault', part, ...describeFailure(error, remedy) }
  } finally {
    await tokens.close()
  }
}
