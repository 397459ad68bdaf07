import { accountLabel } from '../../core/account.ts'
import { type CountRow, otherLabel } from '../../store/store.ts'
import type { UsageRange } from './parse-usage-range.ts'

/** What `/admin/usage` shows: whole hours, those that any of the time is in. Where too many names came in one hour, the rest of
 *  them is `other`. */
export const encodeUsage = ({ sinceMs, untilMs }: UsageRange, rows: readonly CountRow[]) => ({
  object: 'list',
  from: isoTime(sinceMs),
  to: isoTime(untilMs),
  data: rows.map(encodeRow),
})

const encodeRow = ({ hourMs, account, model, caller, succeeded, failed, abandoned }: CountRow) => ({
  hour: isoTime(hourMs),
  account: account === otherLabel ? otherLabel : accountLabel(account),
  model,
  caller: caller || null,
  succeeded,
  failed,
  abandoned,
})

const isoTime = (ms: number): string => new Date(ms).toISOString()
