import { settings } from '../../../src/config/settings.ts'
import type { Language } from './markdown-table.ts'
import { code, markdownTable } from './markdown-table.ts'
import { settingsInChinese } from './settings-zh-cn.ts'

type SettingKey = keyof typeof settings

const heads = {
  en: ['name', 'default', 'meaning'],
  'zh-CN': ['名称', '默认值', '说明'],
} as const satisfies Record<Language, readonly string[]>

const allSettings = Object.keys(settings) as readonly SettingKey[]

export function settingsTable(language: Language, keys: readonly SettingKey[] = allSettings): string {
  const rows = keys.map((key) => {
    const { name, default: unset = '', about } = settings[key]
    return [code(name), code(unset), language === 'en' ? about : settingsInChinese[key]]
  })
  return markdownTable(heads[language], rows)
}

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
  'transport',
  'recaptchaProxyUrl',
  'autoBindChats',
  'autoDeleteChats',
  'reasoningHidden',
  'servedModelMismatch',
  'debugHeaders',
  'streamErrorText',
  'embeddingsBaseUrl',
  'embeddingsApiKey',
  'modelsFile',
  'dataDir',
  'redisUrl',
  'stateKeys',
  'logLevel',
]
