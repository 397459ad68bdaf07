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

/** All settings, a table for each group, with what each accepts; ends with a line break. */
export function groupedSettings(language: Language): string {
  const [name, unset, about] = heads[language]
  const head = [name, unset, about, language === 'en' ? 'range' : '范围']
  const starts = allSettings.flatMap((key, index) => (key in groups ? [index] : []))
  return starts
    .map((start, group) => {
      const keys = allSettings.slice(start, starts[group + 1])
      const title = groups[keys[0] as keyof typeof groups][language]
      const rows = keys.map((key) => {
        const { name, default: unset = '', about } = settings[key]
        return [
          code(name),
          code(unset),
          language === 'en' ? about : settingsInChinese[key],
          rangeOf(key, language),
        ]
      })
      return `\n### ${title}\n\n${markdownTable(head, rows)}`
    })
    .join('')
    .concat('\n')
}

/** By the first setting of each. */
const groups = {
  port: { en: 'Listening', 'zh-CN': '监听' },
  apiSecrets: { en: 'Clients', 'zh-CN': '客户端' },
  cookieText: { en: 'Accounts', 'zh-CN': '账号' },
  baseUrl: { en: 'The site', 'zh-CN': '网站' },
  recaptchaMode: { en: 'reCAPTCHA tokens and Chromium', 'zh-CN': 'reCAPTCHA token 与 Chromium' },
  autoBindChats: { en: 'Chats and answers', 'zh-CN': '会话与回答' },
  dataDir: { en: 'State', 'zh-CN': '状态' },
  logLevel: { en: 'Log', 'zh-CN': '日志' },
  yesCaptchaClientKey: { en: 'Of the predecessor', 'zh-CN': '旧项目的配置' },
} as const satisfies Partial<Record<SettingKey, Record<Language, string>>>

/** Bounds or choices, as the setting itself tells of a value that it refuses; `''` where it has neither. */
function rangeOf(key: SettingKey, language: Language): string {
  const { name, parse } = settings[key]
  const fault = faultOf(parse)
  const [, min, max] = /from ([\d.]+) to ([\d.]+)/.exec(fault) ?? []
  const isAuto = fault.endsWith(', or auto')
  if (min === undefined || max === undefined) {
    const [, words = ''] = /^must be ([\w-]+(?:(?:, | or )[\w-]+)+)$/.exec(fault) ?? []
    if (words.includes('true')) return '`0`, `1`'
    return [...words.matchAll(/[\w-]+/g)]
      .map(([word]) => word)
      .filter((word) => word !== 'or')
      .map(code)
      .join(', ')
  }
  const unit = fault.includes('seconds')
    ? 's'
    : name.endsWith('_MB')
      ? 'MB'
      : name.endsWith('_DAYS')
        ? 'days'
        : ''
  const shownUnit = language === 'en' ? unit : (unitsInChinese[unit] ?? unit)
  const between = language === 'en' ? `${min} to ${max}` : `${min} 到 ${max}`
  const auto = language === 'en' ? ', or `auto`' : '，或 `auto`'
  return `${between}${shownUnit && ` ${shownUnit}`}${isAuto ? auto : ''}`
}

const unitsInChinese: Readonly<Record<string, string>> = { s: '秒', days: '天' }

function faultOf(parse: (text: string) => unknown): string {
  try {
    parse('\u00bf')
    return ''
  } catch (error) {
    return (error as Error).message
  }
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
