import type { Route } from '../route.ts'
import { sendFault } from '../send-fault.ts'
import { keyModelsOf, openCodeConfig } from './key-models.ts'

/** Whose a key is and what is left, as the vendor's own command line reads it (WIRE 11). */
export const profileRoutes: Readonly<Record<string, Route>> = {
  'GET /api/llm_proxy/v1/models': {
    isPublic: true,
    async answer(exchange) {
      const { vendor } = exchange.site
      const apiKey = /^Bearer (\S+)$/.exec(exchange.request.headers.authorization ?? '')?.[1]
      if (apiKey !== undefined && !vendor.badKeys.has(apiKey))
        return {
          object: 'list',
          data: keyModelsOf(vendor, apiKey).map(({ id }) => ({ id, object: 'model' })),
        }
      await sendFault(exchange, { status: 401, body: { error: { message: 'Invalid API key' } } })
      return undefined
    },
  },
  'GET /api/tool_cli/opencode-config': {
    isPublic: true,
    async answer(exchange) {
      const { vendor } = exchange.site
      const apiKey = exchange.request.headers['x-api-key']?.toString()
      if (apiKey !== undefined && !vendor.badKeys.has(apiKey))
        return openCodeConfig(keyModelsOf(vendor, apiKey), exchange.origin, apiKey)
      await sendFault(exchange, { status: 401, body: { status: 'error', message: 'Invalid API key' } })
      return undefined
    },
  },
  'GET /api/tool_cli/me': {
    isPublic: true,
    async answer(exchange) {
      const { vendor } = exchange.site
      const apiKey = exchange.request.headers['x-api-key']?.toString()
      if (apiKey !== undefined && !vendor.badKeys.has(apiKey))
        return {
          email: 'canned@example.com',
          plan: 'plus',
          credit_balance: vendor.spentKeys.has(apiKey) ? 0 : 1270.85,
        }
      await sendFault(exchange, { status: 401, body: { status: 'error', message: 'Invalid API key' } })
      return undefined
    },
  },
}
