import type { WireGeneration } from '../core/wire-generation.ts'

/** Google's two loaders: `api.js` defines `grecaptcha`, `enterprise.js` defines `grecaptcha.enterprise`. */
export type RecaptchaForm = 'v3' | 'enterprise'

export interface RecaptchaSettings {
  readonly baseUrl: string
  readonly recaptchaSiteKey?: string | undefined
  readonly recaptchaAction?: string | undefined
  readonly recaptchaScriptUrl?: string | undefined
}

/** Where a generation's tokens are made and with what. A setting wins, then what the page loads, then what was seen last. */
export interface RecaptchaSite {
  readonly pageUrl: string
  /** The key to insist on; undefined takes the one that the page loads. */
  readonly wantedKey: string | undefined
  /** The key to load when the page loads none. */
  readonly fallbackKey: string
  scriptUrl(siteKey: string): string
  action(siteKey: string): string
}

export function describeSite(generation: WireGeneration, settings: RecaptchaSettings): RecaptchaSite {
  const seen = seenSites[generation]
  return {
    pageUrl: new URL(seen.path, settings.baseUrl).href,
    wantedKey: settings.recaptchaSiteKey,
    fallbackKey: settings.recaptchaSiteKey ?? seen.siteKey,
    scriptUrl(siteKey) {
      const url = new URL(settings.recaptchaScriptUrl ?? seen.scriptUrl)
      url.searchParams.set('render', siteKey)
      return url.href
    },
    action: (siteKey) => settings.recaptchaAction ?? seen.actions[siteKey] ?? seen.otherAction,
  }
}

const copilotKey = '6Leq7KYqAAAAAGdd1NaUBJF9dHTPAKP7DcnaRc66'
const agentKey = '6LfYyWcsAAAAAK8DUr6Oo1wHl2CJ5kKbO0AK3LIM'

interface SeenSite {
  readonly path: string
  readonly scriptUrl: string
  readonly siteKey: string
  readonly actions: Readonly<Record<string, string>>
  readonly otherAction: string
}

/** Source: WIRE 3.2, whose rows disagree: the key decides the action. */
const seenSites: Readonly<Record<WireGeneration, SeenSite>> = {
  copilot: {
    path: '/',
    scriptUrl: 'https://www.google.com/recaptcha/api.js',
    siteKey: copilotKey,
    actions: {},
    otherAction: 'copilot',
  },
  agent: {
    path: '/agents?type=ai_chat',
    scriptUrl: 'https://www.google.com/recaptcha/enterprise.js',
    siteKey: agentKey,
    actions: { [agentKey]: 'submit', [copilotKey]: 'ask' },
    otherAction: 'agent_ask',
  },
}
