import { z } from 'zod'
import type { Route } from '../route.ts'
import { sendFault } from '../send-fault.ts'
import { keyModelsOf, openCodeConfig } from './key-models.ts'
import { toolBodies } from './vendor-bodies.ts'

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
  'POST /api/cli_auth/device_code': {
    isPublic: true,
    answer({ site, origin }) {
      const device_code = `canary-device-${site.vendor.deviceLogins.size + 1}`
      site.vendor.deviceLogins.set(device_code, undefined)
      return { device_code, auth_url: `${origin}/cli_auth?user_code=ABCD`, poll_interval: 1, expires_in: 600 }
    },
  },
  'GET /api/cli_auth/token': {
    isPublic: true,
    answer({ site, url }) {
      const found = site.vendor.deviceLogins.get(url.searchParams.get('code') ?? '')
      if (found === undefined) return { status: 'pending' }
      return found === 'expired' ? { status: found } : { status: 'approved', api_key: found }
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
  'GET /api/tool_cli/tools': {
    isPublic: true,
    async answer(exchange) {
      const { vendor } = exchange.site
      const apiKey = exchange.request.headers['x-api-key']?.toString()
      if (apiKey !== undefined && !vendor.badKeys.has(apiKey))
        return { tools: describeTools(vendor.toolModelsGone), features: {} }
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

/** Each tool with the values that it takes, as JSON schemas. */
const describeTools = (gone: ReadonlySet<string>) =>
  Object.entries(toolBodies).map(([name, schema]) => {
    const { properties = {}, required = [] } = z.toJSONSchema(schema)
    const { model } = properties
    if (typeof model === 'object' && model.enum) model.enum = model.enum.filter((id) => !gone.has(String(id)))
    return {
      name,
      description: `Canned ${name}`,
      requires_project: false,
      parameters: { type: 'object', properties, required },
      cli: { aliases: [], primary_arg: required[0], output_file_keys: fileKeys[name] ?? [] },
    }
  })

const fileKeys: Readonly<Record<string, readonly string[]>> = {
  image_generation: ['generated_images'],
  video_generation: ['generated_videos'],
  audio_generation: ['generated_audios'],
}
