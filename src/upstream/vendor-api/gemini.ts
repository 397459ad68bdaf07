import { randomUUID } from 'node:crypto'
import type { TokenUsage } from '../../core/chat-event.ts'
import type {
  ChatRequest,
  ChatTurn,
  ContentPart,
  OutputFormat,
  Sampling,
  ToolUse,
} from '../../core/chat-request.ts'
import type { Answer } from '../answer.ts'
import { isCount, isRecord, parseEvent } from '../decode-parts.ts'
import { nearestLevel } from './reasoning-levels.ts'
import { recogniseStreamError, recogniseWallMark } from './vendor-failures.ts'

/** The path of a streamed answer. Source: WIRE 11.2 */
export const geminiPath = (model: string): string =>
  `/api/llm_proxy/gemini/v1beta/models/${encodeURIComponent(model)}:streamGenerateContent?alt=sse`

/** The body of a chat in Gemini's style, with the whole history. Source: WIRE 11, ai.google.dev/api/generate-content */
export function encodeGeminiChat(request: ChatRequest, efforts?: readonly string[]) {
  const { messages, tools, output, stop, maxTokens, sampling = {} } = request
  const model = request.model.upstreamIds.agent[0] ?? request.model.id
  const system = messages
    .filter(({ role }) => role === 'system')
    .flatMap(({ parts }) => parts.map(encodePart))
  const names = new Map(
    messages.flatMap((turn) => ('toolCalls' in turn ? turn.toolCalls.map(({ id, name }) => [id, name]) : [])),
  )
  const { temperature, topP, seed } = sampling
  const config = {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(seed !== undefined && { seed }),
    ...(stop?.length && { stopSequences: stop }),
    ...(maxTokens !== undefined && { maxOutputTokens: maxTokens }),
    ...(output && encodeFormat(output)),
    ...encodeThinking(model, sampling, efforts),
  }
  return {
    contents: encodeContents(messages, names),
    ...(system.length > 0 && { systemInstruction: { parts: system } }),
    ...(tools && encodeTools(tools)),
    ...(Object.keys(config).length > 0 && { generationConfig: config }),
  }
}

function encodeThinking(model: string, { effort, thinkingTokens }: Sampling, efforts?: readonly string[]) {
  if (effort === undefined && thinkingTokens === undefined) return undefined
  const level = effort === undefined ? undefined : nearestLevel(model, effort, efforts)
  if (level !== undefined) return { thinkingConfig: { includeThoughts: true, thinkingLevel: level } }
  return {
    thinkingConfig: { includeThoughts: true, ...(thinkingTokens && { thinkingBudget: thinkingTokens }) },
  }
}

const encodeFormat = (output: OutputFormat) => ({
  responseMimeType: 'application/json',
  ...(output.type === 'json-schema' && { responseJsonSchema: output.schema }),
})

function encodeTools({ definitions, choice }: ToolUse) {
  const functionDeclarations = definitions.map(({ name, description, parameters }) => ({
    name,
    ...(description && { description }),
    parametersJsonSchema: parameters,
  }))
  const functionCallingConfig = {
    mode: choice.type === 'auto' ? 'AUTO' : 'ANY',
    ...(choice.type === 'named' && { allowedFunctionNames: [choice.name] }),
  }
  return { tools: [{ functionDeclarations }], toolConfig: { functionCallingConfig } }
}

/** Neighbours of one role are one content. @param names  of the tools, by the id of a call */
function encodeContents(
  messages: readonly ChatTurn[],
  names: ReadonlyMap<string | undefined, string | undefined>,
) {
  const contents: { role: 'user' | 'model'; parts: object[] }[] = []
  for (const turn of messages) {
    if (turn.role === 'system') continue
    const role = turn.role === 'assistant' ? 'model' : 'user'
    const parts = turn.role === 'tool' ? encodeResult(turn, names.get(turn.callId)) : encodeTurn(turn)
    if (parts.length === 0) continue
    const last = contents.at(-1)
    if (last?.role === role) last.parts.push(...parts)
    else contents.push({ role, parts })
  }
  return contents
}

function encodeTurn(turn: Exclude<ChatTurn, { role: 'tool' }>): object[] {
  const calls = 'toolCalls' in turn ? turn.toolCalls : []
  return [
    ...turn.parts.filter((part) => part.type !== 'text' || part.text !== '').map(encodePart),
    ...calls.map(({ id, name, argumentsText }, index) => ({
      functionCall: { name, args: parseEvent(argumentsText) ?? {} },
      // Of calls side by side the first alone is signed.
      ...(index === 0 && { thoughtSignature: signatureOf(id) ?? unsigned }),
    })),
  ]
}

function encodeResult(
  { callId, parts, failed }: Extract<ChatTurn, { role: 'tool' }>,
  name = callId,
): object[] {
  const words = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
  const response = parseEvent(words) ?? { [failed ? 'error' : 'result']: words }
  return [
    { functionResponse: { name, response } },
    ...parts.filter(({ type }) => type !== 'text').map(encodePart),
  ]
}

function encodePart(part: ContentPart): object {
  if (part.type === 'text') return { text: part.text }
  if (part.type === 'image-url') throw new Error('A picture was not fetched.')
  return { inline_data: { mime_type: part.mimeType, data: part.base64 } }
}

/** What Gemini takes for the seal of a call that another model made. Source: ai.google.dev/gemini-api/docs/thought-signatures */
const unsigned = 'skip_thought_signature_validator'

/** A call has to come back with its seal, and no client's format but Gemini's own has a field for it: it travels in the id. */
const mark = '__thought__'
const signedId = (id: string, signature: string): string =>
  `${id}${mark}${Buffer.from(signature).toString('base64url')}`

function signatureOf(id: string): string | undefined {
  const at = id.indexOf(mark)
  return at === -1 ? undefined : Buffer.from(id.slice(at + mark.length), 'base64url').toString()
}

/** The grammar of Gemini's chunks, made anew for each answer. Contract: `DecodeEvent`. */
export function createGeminiDecoder() {
  let calls = 0

  return function decode(chunk: Readonly<Record<string, unknown>>, answer: Answer): boolean {
    const failure = recogniseWallMark(chunk) ?? recogniseStreamError(chunk)
    if (failure) throw failure
    const { candidates, modelVersion, usageMetadata } = chunk
    if (typeof modelVersion === 'string') answer.servedModel = modelVersion
    answer.usage = parseGeminiUsage(usageMetadata) ?? answer.usage
    if (!Array.isArray(candidates)) return usageMetadata === undefined ? answer.unknown(chunk) : false
    const [candidate] = candidates
    if (!isRecord(candidate)) return false
    const content = isRecord(candidate.content) ? candidate.content : {}
    for (const part of Array.isArray(content.parts) ? content.parts : [])
      if (isRecord(part)) addPart(part, answer)
    if (typeof candidate.finishReason === 'string') {
      if (candidate.finishReason === 'MAX_TOKENS') answer.finishReason = 'length'
      if (filterReasons.has(candidate.finishReason)) answer.finishReason = 'content-filter'
      answer.complete = true
    }
    return true
  }

  function addPart(part: Readonly<Record<string, unknown>>, answer: Answer): void {
    const { text, thought, functionCall, thoughtSignature } = part
    const signature = typeof thoughtSignature === 'string' ? thoughtSignature : undefined
    if (typeof text === 'string') {
      if (thought === true) answer.reasoning(text)
      else answer.text(text)
    }
    if (!isRecord(functionCall)) return
    const id = `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`
    answer.call(calls, {
      id: signature === undefined ? id : signedId(id, signature),
      name: typeof functionCall.name === 'string' ? functionCall.name : '',
      argumentsText: JSON.stringify(isRecord(functionCall.args) ? functionCall.args : {}),
    })
    calls += 1
  }
}

/** An answer in the place of a stream: a chunk, or a list of them. @returns whether it is one */
export function decodeGeminiReply(reply: unknown, answer: Answer): boolean {
  const chunks = Array.isArray(reply) ? reply : [reply]
  if (!chunks.every((chunk) => isRecord(chunk) && Array.isArray(chunk.candidates))) return false
  const decode = createGeminiDecoder()
  for (const chunk of chunks) decode(chunk, answer)
  answer.closed = true
  return chunks.length > 0
}

function parseGeminiUsage(usage: unknown): TokenUsage | undefined {
  if (!isRecord(usage) || !isCount(usage.promptTokenCount)) return undefined
  const {
    promptTokenCount: prompt,
    candidatesTokenCount,
    thoughtsTokenCount,
    cachedContentTokenCount,
  } = usage
  const reasoning = isCount(thoughtsTokenCount) ? thoughtsTokenCount : 0
  const said = isCount(candidatesTokenCount) ? candidatesTokenCount : 0
  return {
    prompt,
    completion: said + reasoning,
    reasoning,
    ...(isCount(cachedContentTokenCount) &&
      cachedContentTokenCount > 0 && { cached: cachedContentTokenCount }),
  }
}

/** Source: ai.google.dev/api/generate-content, FinishReason */
const filterReasons: ReadonlySet<string> = new Set([
  'SAFETY',
  'RECITATION',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
])
