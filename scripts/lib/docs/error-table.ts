import { type ErrorCode, errorTable } from '../../../src/core/errors.ts'
import { errorRemedies } from './error-remedies.ts'
import { errorsInChinese } from './error-remedies-zh-cn.ts'
import type { Language } from './language.ts'
import { code, markdownTable } from './markdown-table.ts'

const heads = {
  en: ['status', 'code', 'type', 'message', 'what to do'],
  'zh-CN': ['状态', 'code', 'type', '消息', '怎么办'],
} as const satisfies Record<Language, readonly string[]>

/** Every error by status. The message is the one that stands there unless more is known. */
export function errorsTable(language: Language): string {
  const codes = (Object.keys(errorTable) as ErrorCode[]).sort(
    (one, other) => errorTable[one].status - errorTable[other].status,
  )
  const rows = codes.map((name) => {
    const { status, type, text } = errorTable[name]
    const { meaning, remedy } = errorsInChinese[name]
    const told = language === 'en' ? [text, errorRemedies[name]] : [`${text} ${meaning}`, remedy]
    return [String(status), code(name), code(type), ...told]
  })
  return markdownTable(heads[language], rows)
}
