import { RefusedBody } from '../ask-shape.ts'
import { isWhole } from '../end-reply.ts'
import { readJsonBody } from '../read-body.ts'
import type { Exchange, Route } from '../route.ts'
import { sendFault } from '../send-fault.ts'
import { encodeJson, type StreamOptions, sendStream } from '../send-stream.ts'
import { anthropicEvents, anthropicMessage } from './anthropic-answer.ts'
import { geminiEvents } from './gemini-answer.ts'
import { openAiCompletion, openAiEvents } from './openai-answer.ts'
import { toolLines } from './tool-answer.ts'
import { understandVendorAsk } from './understand-vendor-ask.ts'
import type { VendorAsk } from './vendor-ask.ts'
import type { CreditsGone, ToolAnswer, VendorAnswer, VendorScenario } from './vendor-scenario.ts'
import { type CreditWall, keyOwner } from './vendor-site.ts'

/** The surface that takes API keys: neither cookie nor token (WIRE 11). */
export const vendorRoutes: Readonly<Record<string, Route>> = {
  'POST /api/llm_proxy/v1/chat/completions': {
    isPublic: true,
    answer: (exchange) => answerVendor(exchange, 'openai'),
  },
  'POST /api/anthropic/v1/messages': {
    isPublic: true,
    answer: (exchange) => answerVendor(exchange, 'anthropic'),
  },
  'POST /api/llm_proxy/gemini/v1beta/models/*': {
    isPublic: true,
    answer: (exchange) => answerVendor(exchange, 'gemini'),
  },
  'POST /api/tool_cli/file/upload_url': {
    isPublic: true,
    async answer({ site, request, origin }) {
      const apiKey = request.headers['x-api-key']?.toString()
      const { content_type: contentType, name = 'file' } = (await readJsonBody(request)) as Record<
        string,
        string
      >
      if (apiKey === undefined || site.vendor.badKeys.has(apiKey) || !contentType)
        throw new RefusedBody(400, 'no key or no content_type')
      const { id } = site.uploads.create({ sessionId: keyOwner(apiKey), name, contentType })
      return {
        status: 'ok',
        message: 'success',
        data: {
          upload_url: `${origin}/blob-upload/${id}?sig=canned`,
          file_wrapper_url: `${origin}/api/files/s/${id}`,
        },
      }
    },
  },
  'POST /api/tool_cli/file/download': {
    isPublic: true,
    async answer({ site, request, origin }) {
      const apiKey = request.headers['x-api-key']?.toString()
      const { file_wrapper_url: given } = (await readJsonBody(request)) as { file_wrapper_url?: string }
      const url = URL.parse(given ?? '', origin)
      const upload = site.uploads.byId(url?.pathname.split('/').at(-1) ?? '')
      const file =
        upload?.bytes && apiKey !== undefined && upload.sessionId === keyOwner(apiKey)
          ? { owner: upload.sessionId, contentType: upload.contentType ?? '', bytes: upload.bytes }
          : site.files.byUrl.get(url?.href ?? '')
      if (apiKey === undefined || !file || file.owner !== keyOwner(apiKey))
        return { status: 'error', message: 'File not found', data: null }
      const { contentType, bytes } = file
      const sessionId = keyOwner(apiKey)
      const download_url = site.files.add({ origin, sessionId, contentType, bytes, place: 'public' })
      return {
        status: 'ok',
        message: 'success',
        data: { download_url, content_type: contentType, original_url: given },
      }
    },
  },
  'POST /api/tool_cli/*': { isPublic: true, answer: (exchange) => answerVendor(exchange, 'tool') },
}

async function answerVendor(exchange: Exchange, route: VendorAsk['route']): Promise<undefined> {
  const { site, response } = exchange
  const ask = await understandVendorAsk(exchange, route)
  if (!ask) return
  response.once('close', () => {
    ask.ended ??= isWhole(response) ? 'whole' : 'client-closed'
    site.changed()
  })
  site.changed()
  const wall = site.vendor.walls.get(ask.apiKey)
  if (wall) {
    await answerWithWall(exchange, ask, wall)
    return
  }
  const scenario = chosenScenario(exchange, ask)
  if (scenario.type === 'fault') await sendFault(exchange, scenario)
  else if (scenario.type === 'credits-gone') await tellCreditsGone(exchange, ask, scenario)
  else if (scenario.type === 'tool') await answerTool(exchange, ask, scenario)
  else await answerChat(exchange, ask, scenario)
}

function chosenScenario({ site: { vendor } }: Exchange, ask: VendorAsk): VendorScenario {
  if (vendor.spentKeys.has(ask.apiKey)) return { type: 'credits-gone' }
  const scripted = typeof vendor.script === 'function' ? vendor.script(ask) : vendor.script
  const scenario = scripted ?? { type: ask.route === 'tool' ? 'tool' : 'answer' }
  const isOther = ask.route === 'tool' ? scenario.type === 'answer' : scenario.type === 'tool'
  if (isOther) throw new RefusedBody(500, `a scenario of type ${scenario.type} for ${ask.route}`)
  return scenario
}

/** A normal answer with an advertisement in it; the header alone tells. */
async function answerWithWall(exchange: Exchange, ask: VendorAsk, wall: CreditWall): Promise<void> {
  const { response } = exchange
  if (!wall.withoutHeader) {
    response.setHeader('x-genspark-credit-wall', wall.code)
    response.setHeader('x-genspark-upgrade-url', 'https://www.genspark.ai/pricing')
  }
  for (const [name, value] of Object.entries(wall.headers ?? {})) response.setHeader(name, value)
  const text = walls[wall.code]
  const x_genspark = { code: wall.code, audience: 'user', signal_version: 1 }
  if (ask.route === 'tool') return await answerTool(exchange, ask, { type: 'tool', error: text })
  const scenario: VendorAnswer = { type: 'answer', text, extraFields: { x_genspark } }
  await answerChat(exchange, wall.asJson ? { ...ask, stream: false } : ask, scenario)
}

const walls = {
  free_plan_block: "Free-plan credits can't be used with the Genspark API. See genspark.ai/pricing",
  credit_exhausted: 'Your Genspark credits have been exhausted. See genspark.ai/pricing',
} as const

const outOfCredits = "You've run out of credits. Please upgrade your plan."

async function tellCreditsGone(exchange: Exchange, ask: VendorAsk, { as }: CreditsGone): Promise<void> {
  if (ask.route === 'tool') return answerTool(exchange, ask, { type: 'tool', error: outOfCredits })
  await sendFault(exchange, {
    status: 200,
    body: as === 'json' ? { status: -8, message: outOfCredits } : outOfCredits,
  })
}

async function answerChat(exchange: Exchange, given: VendorAsk, scenario: VendorAnswer): Promise<void> {
  const ask = scenario.asJson ? { ...given, stream: false } : given
  const isOpenAi = ask.route === 'openai'
  if (ask.route === 'gemini') return await answerGemini(exchange, ask, scenario)
  if (ask.stream) {
    const events = isOpenAi ? openAiEvents(ask, scenario) : anthropicEvents(ask, scenario)
    await sendStream(exchange.response, events, {
      ...streamOptions(exchange, ask),
      ...scenario,
      ...(isOpenAi ? {} : { frame: (data, name) => `event: ${name}\ndata: ${data}\n\n` }),
    })
    return
  }
  const whole = await (isOpenAi ? openAiCompletion(ask, scenario) : anthropicMessage(ask, scenario))
  exchange.response.writeHead(200, { 'Content-Type': 'application/json' }).end(encodeJson(whole, scenario))
}

async function answerGemini(exchange: Exchange, ask: VendorAsk, scenario: VendorAnswer): Promise<void> {
  if (ask.stream) {
    const options = { ...streamOptions(exchange, ask), ...scenario }
    return await sendStream(exchange.response, geminiEvents(ask, scenario), options)
  }
  const chunks = []
  for await (const chunk of geminiEvents(ask, scenario)) chunks.push(chunk)
  exchange.response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(chunks))
}

async function answerTool(exchange: Exchange, ask: VendorAsk, scenario: ToolAnswer): Promise<void> {
  await sendStream(exchange.response, toolLines(exchange, ask, scenario), {
    ...streamOptions(exchange, ask),
    ...scenario,
    headers: { 'Content-Type': 'application/x-ndjson' },
    frame: (data) => `${data}\n`,
  })
}

const streamOptions = ({ site, signal }: Exchange, ask: VendorAsk): StreamOptions => ({
  signal,
  carriesText,
  onSent: site.changed,
  onCut: () => {
    ask.ended = 'cut'
  },
})

/** A content delta in either style. */
function carriesText(event: Readonly<Record<string, unknown>>): boolean {
  if (event.type === 'content_block_delta') return true
  const [choice] = (event.choices ?? []) as { delta?: { content?: string } }[]
  return Boolean(choice?.delta?.content)
}
