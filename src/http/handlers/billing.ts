import { encodeBillingUsage, encodeSubscription } from '../../dialects/openai-billing.ts'
import type { AppServices } from '../app-services.ts'
import type { RequestContext } from '../request-state.ts'

/** `GET /dashboard/billing/subscription` and `/usage`, for clients that show a balance; the dates they ask for are ignored. */
export function createBillingHandlers({ quota, clock }: Pick<AppServices, 'quota' | 'clock'>) {
  return {
    async subscription(context: RequestContext): Promise<void> {
      context.body = encodeSubscription(await quota(), clock.now())
    },
    async usage(context: RequestContext): Promise<void> {
      context.body = encodeBillingUsage(await quota())
    },
  }
}
