import { createEmbeddedSource, type EmbeddedSourceOptions } from './embedded-source.ts'
import { createRemoteVerifier } from './remote-verifier.ts'
import type { TokenSource } from './token-source.ts'

export interface TokenSourceOptions extends EmbeddedSourceOptions {
  readonly recaptchaMode: 'embedded' | 'remote' | 'off'
  /** Of the token service; mode `remote` needs it. */
  readonly recaptchaProxyUrl?: string | undefined
}

/** The source of RECAPTCHA_MODE. */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { recaptchaMode, recaptchaProxyUrl = '' } = options
  switch (recaptchaMode) {
    case 'embedded':
      return createEmbeddedSource(options)
    case 'remote':
      return createRemoteVerifier({ ...options, recaptchaProxyUrl })
    case 'off':
      return noTokens
    default:
      return recaptchaMode satisfies never
  }
}

const noTokens: TokenSource = {
  async token() {
    return undefined
  },
  warmUp() {},
  state: () => 'off',
  async close() {},
}
