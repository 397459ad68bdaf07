import { encodeUsageCounts, parseUsageRange } from '../../dialects/admin.ts'
import type { AppServices } from '../app-services.ts'
import type { RequestContext } from '../request-state.ts'

export function createAdminUsageHandler({ usage, clock }: Pick<AppServices, 'usage' | 'clock'>) {
  return async function adminUsage(context: RequestContext): Promise<void> {
    const range = parseUsageRange(context.query, clock.now())
    context.body = encodeUsageCounts(range, await usage(range.sinceMs, range.untilMs))
  }
}
