import type { settings } from '../../../src/config/settings.ts'

/** The settings that most people look for, in the README; docs/SETTINGS.md has all of them. */
export const mainSettings: readonly (keyof typeof settings)[] = [
  'cookieText',
  'vendorApiKeys',
  'apiSecrets',
  'adminSecrets',
  'port',
  'host',
  'routePrefix',
  'proxyUrl',
  'requestRateLimit',
  'trustedProxyHops',
  'corsOrigins',
  'maxBodyBytes',
  'rateLimitCoolDownMs',
  'protocol',
  'recaptchaProxyUrl',
  'autoBindChats',
  'autoDeleteChats',
  'reasoningHidden',
  'streamErrorText',
  'modelsFile',
  'dataDir',
  'redisUrl',
  'stateKeys',
  'logLevel',
]
