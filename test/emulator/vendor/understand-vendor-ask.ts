import type { z } from 'zod'
import type { AskMessage } from '../ask-record.ts'
import { lastPrompt, parseBody, RefusedBody } from '../ask-shape.ts'
import { readJsonBody } from '../read-body.ts'
import { contentTypeFault } from '../request-headers.ts'
import type { Exchange } from '../route.ts'
import { keyModelsOf } from './key-models.ts'
import type { VendorAsk } from './vendor-ask.ts'
import { anthropicBody, geminiBody, openAiBody, toolBodies, toolBody } from './vendor-bodies.ts'

/** Reads and records a request with an API key. @returns undefined when the key was refused
 *  @throws {RefusedBody} */
export async function understandVendorAsk(
  { site, request, response, url }: Exchange,
  route: VendorAsk['route'],
): Promise<VendorAsk | undefined> {
  const fault = headersFault(request, route)
  if (fault) throw new RefusedBody(400, fault)
  const body = parseBody<Record<string, unknown>>(schemaOf(route, url.pathname), await readJsonBody(request))
  const apiKey = apiKeyOf(request.headers, route)
  if (apiKey === undefined || site.vendor.badKeys.has(apiKey)) {
    response.writeHead(401, { 'Content-Type': 'application/json' }).end(JSON.stringify(refusals[route]))
    return undefined
  }
  const ask: VendorAsk = {
    index: site.vendor.asks.length,
    route,
    tool: route === 'tool' ? url.pathname.slice(url.pathname.lastIndexOf('/') + 1) : '',
    apiKey,
    body,
    model: route === 'gemini' ? geminiModel(url) : String(body.model ?? ''),
    prompt: promptOf(body),
    stream: route === 'gemini' ? url.pathname.endsWith(':streamGenerateContent') : body.stream === true,
    ended: undefined,
  }
  if (route !== 'tool' && !keyModelsOf(site.vendor, apiKey).some(({ id }) => id === ask.model)) {
    const words = `Invalid model name passed in model=${ask.model}`
    response.writeHead(400, json).end(JSON.stringify({ error: { message: words, code: '400' } }))
    return undefined
  }
  site.vendor.asks.push(ask)
  return ask
}

const schemaOf = (route: VendorAsk['route'], path: string) =>
  (route === 'tool' ? toolBodies[path.slice(path.lastIndexOf('/') + 1)] : undefined) ?? bodies[route]

const json = { 'Content-Type': 'application/json' }

const geminiModel = ({ pathname }: URL): string =>
  decodeURIComponent(/\/models\/([^:]+):/.exec(pathname)?.[1] ?? '')

const bodies: Readonly<Record<VendorAsk['route'], z.ZodType<Record<string, unknown>>>> = {
  openai: openAiBody,
  anthropic: anthropicBody,
  gemini: geminiBody,
  tool: toolBody,
}

function headersFault(request: Exchange['request'], route: VendorAsk['route']): string | undefined {
  const { cookie, 'anthropic-version': version } = request.headers
  if (cookie !== undefined) return 'a cookie beside the key'
  if (route === 'anthropic' && version !== '2023-06-01') return `anthropic-version ${version}`
  return contentTypeFault(request)
}

/** Each style has its own header; that of the Anthropic style is not seen, so it may be either. */
function apiKeyOf(headers: Exchange['request']['headers'], route: VendorAsk['route']): string | undefined {
  const bearer = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1]
  const apiKey = headers['x-api-key']?.toString()
  if (route === 'openai') return bearer
  if (route === 'gemini') return headers['x-goog-api-key']?.toString()
  return route === 'tool' ? apiKey : (bearer ?? apiKey)
}

const words = 'Invalid API key'

/** Invented after each style's own shape. */
const refusals: Readonly<Record<VendorAsk['route'], object>> = {
  openai: { error: { message: words, type: 'invalid_request_error', param: null, code: 'invalid_api_key' } },
  anthropic: { type: 'error', error: { type: 'authentication_error', message: words } },
  gemini: { error: { code: 401, message: words, status: 'UNAUTHENTICATED' } },
  tool: { status: 'error', message: words, data: null },
}

function promptOf({ messages, contents, prompt, query }: Readonly<Record<string, unknown>>): string {
  if (Array.isArray(contents))
    return (contents.at(-1)?.parts ?? []).map((part: { text?: string }) => part.text ?? '').join('')
  if (Array.isArray(messages)) return lastPrompt(messages as AskMessage[])
  return String(prompt ?? query ?? '')
}
