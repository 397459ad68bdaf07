// Dialect `gemini`: Google's generateContent, parsed and encoded; one ChatEvent stream feeds both encoders.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP.

import { z } from 'zod'
import type {
  ChatModel,
  ChatRequest,
  ChatTurn,
  ContentPart,
  OutputFormat,
  ToolCall,
} from '../../core/chat-request.ts'
import { audioRefused, parseAttachment, parseImage } from '../attachments.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { readLimits, tellWithoutEffect, wholeNumber } from '../lenient-fields.ts'
import { parseToolOutput } from '../tool-output.ts'
import { type GivenTools, parseTools } from '../tools.ts'

export interface ParsedGenerateRequest {
  readonly chat: ChatRequest
  /** `thinkingConfig.includeThoughts` */
  readonly showThinking: boolean
  /** What the request asks for and does not get, in words for its client. */
  readonly warnings: readonly string[]
}

/** Takes the fields in both spellings that Google takes, `inlineData` and `inline_data`.
 *  @param name  the model, which stands in the path
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault */
export async function parseRequest(
  body: unknown,
  name: string,
  resolve: (model: string) => ChatModel,
): Promise<ParsedGenerateRequest> {
  // The body of countTokens may hold that of the ask.
  const given = camel(body)
  const request = checkShape(
    requestSchema,
    given.generateContentRequest ? camel(given.generateContentRequest) : given,
  )
  const config = checkShape(configSchema, camel(request.generationConfig), 'generationConfig')
  const turns = await parseContents(request.contents)
  const system = await parseSystem(request.systemInstruction)
  if (turns.length === 0) throw invalidValue('contents', 'at least one content must have parts')
  const { tools, search, warnings } = readTools(request)
  const output = readOutput(config)
  const model = resolve(name)
  return {
    chat: {
      model: search ? { ...model, search } : model,
      messages: system ? [system, ...turns] : turns,
      ...(tools && { tools }),
      ...(output && { output }),
      ...readLimits({
        max_output_tokens: config.maxOutputTokens,
        stop_sequences: config.stopSequences,
      }),
    },
    showThinking: camel(config.thinkingConfig).includeThoughts === true,
    warnings: [...tellWithoutEffect(inSnake(config)), ...warnings],
  }
}

const requestSchema = z.object({
  contents: z.unknown().optional(),
  systemInstruction: z.unknown().optional(),
  tools: z.union([z.array(z.unknown()), z.looseObject({}).transform((tool) => [tool])]).nullish(),
  toolConfig: z.unknown().optional(),
  generationConfig: z.unknown().optional(),
})

const configSchema = z.looseObject({
  maxOutputTokens: wholeNumber.nullish(),
  stopSequences: z.array(z.string().max(4096)).max(256).nullish(),
  responseMimeType: z.string().nullish(),
  responseSchema: z.record(z.string(), z.unknown()).nullish(),
  responseJsonSchema: z.record(z.string(), z.unknown()).nullish(),
  thinkingConfig: z.unknown().optional(),
  temperature: z.unknown().optional(),
})

const inSnake = ({ temperature, topP, topK, seed, presencePenalty, frequencyPenalty }: Fields): Fields => ({
  temperature,
  top_p: topP,
  top_k: topK,
  seed,
  presence_penalty: presencePenalty,
  frequency_penalty: frequencyPenalty,
})

function readOutput(config: z.infer<typeof configSchema>): OutputFormat | undefined {
  const schema = config.responseJsonSchema ?? (config.responseSchema && jsonSchemaOf(config.responseSchema))
  if (schema) return { type: 'json-schema', name: 'response', description: undefined, schema }
  return config.responseMimeType === 'application/json' ? { type: 'json-object' } : undefined
}

/** A string, one content or a list of contents. */
async function parseContents(given: unknown): Promise<readonly ChatTurn[]> {
  const contents = Array.isArray(given) ? given : [given]
  if (given === undefined || given === null) throw invalidValue('contents', 'expected a list of contents')
  const turns: ChatTurn[] = []
  const open: ToolCall[] = []
  for (const [index, each] of contents.entries()) {
    const at = Array.isArray(given) ? `contents[${index}]` : 'contents'
    const content = typeof each === 'string' ? { parts: [{ text: each }] } : each
    turns.push(...(await parseContent(content, at, open)))
  }
  return turns
}

async function parseSystem(given: unknown): Promise<ChatTurn | undefined> {
  if (given === undefined || given === null || given === '') return undefined
  const content = typeof given === 'string' ? { parts: [{ text: given }] } : given
  const [turn] = await parseContent(content, 'systemInstruction', [])
  return turn && { role: 'system', parts: turn.parts }
}

/** The results of calls are turns of their own, in front of what else the user says.
 *  @param open  calls without a result so far, oldest first */
async function parseContent(value: unknown, at: string, open: ToolCall[]): Promise<readonly ChatTurn[]> {
  const { role, parts: given } = checkShape(contentSchema, value, at)
  const turns: ChatTurn[] = []
  const parts: ContentPart[] = []
  const toolCalls: ToolCall[] = []
  for (const [index, each] of given.entries()) {
    const place = `${at}.parts[${index}]`
    const part = checkShape(partSchema, camel(each), place)
    if (part.functionCall) {
      const { id, name, args } = part.functionCall
      const call = { id: id || `call_${at}_${index}`, name, argumentsText: JSON.stringify(args ?? {}) }
      toolCalls.push(call)
      open.push(call)
    } else if (part.functionResponse) turns.push(await parseResult(part.functionResponse, place, open))
    else if (!part.thought) parts.push(...(await parsePart(part, place)))
  }
  if (role === 'model' && toolCalls.length > 0) turns.push({ role: 'assistant', parts, toolCalls })
  else if (parts.length > 0) turns.push({ role: role === 'model' ? 'assistant' : 'user', parts })
  return turns
}

async function parsePart(part: z.infer<typeof partSchema>, at: string): Promise<readonly ContentPart[]> {
  if (typeof part.text === 'string') return part.text ? [{ type: 'text', text: part.text }] : []
  if (part.inlineData) {
    const { data, mimeType, displayName } = checkShape(blobSchema, camel(part.inlineData), `${at}.inlineData`)
    if (/^audio\//i.test(mimeType ?? '')) throw audioRefused(`${at}.inlineData`)
    const named = { name: displayName ?? undefined, mimeType: mimeType ?? undefined }
    return [await parseAttachment(data, `${at}.inlineData.data`, named)]
  }
  if (part.fileData) {
    const { fileUri } = checkShape(fileSchema, camel(part.fileData), `${at}.fileData`)
    if (/^https?:/i.test(fileUri) && !fileUri.includes('generativelanguage.googleapis.com'))
      return [await parseImage(fileUri, `${at}.fileData.fileUri`)]
    throw invalidValue(
      `${at}.fileData.fileUri`,
      'files by id are not supported; send the file itself as inlineData',
    )
  }
  return []
}

async function parseResult(given: unknown, at: string, open: ToolCall[]): Promise<ChatTurn> {
  const place = `${at}.functionResponse`
  const { id, name, response, parts: more } = checkShape(responseSchema, camel(given), place)
  const found = open.find((call) => (id ? call.id === id : call.name === name))
  if (found) open.splice(open.indexOf(found), 1)
  const failed = response !== null && typeof response === 'object' && 'error' in response
  const parts = [...(await parseToolOutput(unwrapped(response), `${place}.response`))]
  for (const [index, each] of (more ?? []).entries()) {
    const partAt = `${place}.parts[${index}]`
    parts.push(...(await parsePart(checkShape(partSchema, camel(each), partAt), partAt)))
  }
  return { role: 'tool', callId: found?.id ?? (id || name), parts, failed }
}

/** Google's SDKs wrap what is no object: `{output}`, `{result}`, `{error}`. */
function unwrapped(response: unknown): unknown {
  if (typeof response !== 'object' || response === null) return response
  const entries = Object.entries(response)
  const [first] = entries
  return entries.length === 1 && first && /^(?:output|result|error|content)$/.test(first[0])
    ? first[1]
    : response
}

function readTools(request: z.infer<typeof requestSchema>): GivenTools {
  const functions: unknown[] = []
  for (const [index, each] of (request.tools ?? []).entries()) {
    const at = `tools[${index}]`
    const tool = checkShape(z.looseObject({}), camel(each), at)
    for (const [type, value] of Object.entries(tool)) {
      if (type !== 'functionDeclarations') {
        functions.push({ type: /^googleSearch/.test(type) ? 'web_search' : type })
        continue
      }
      const declarations = checkShape(z.array(z.unknown()), value, `${at}.functionDeclarations`)
      for (const [position, declaration] of declarations.entries())
        functions.push(functionOf(declaration, `${at}.functionDeclarations[${position}]`))
    }
  }
  const { mode, allowedFunctionNames } = callingConfig(request.toolConfig)
  const choice = { NONE: 'none', ANY: 'required' }[mode ?? ''] ?? 'auto'
  const names = allowedFunctionNames?.map((name) => ({ name }))
  const tool_choice = names?.length ? { type: 'allowed_tools', mode: choice, tools: names } : choice
  return parseTools({ tools: functions, tool_choice })
}

function functionOf(declaration: unknown, at: string): unknown {
  const { name, description, parameters, parametersJsonSchema } = checkShape(
    declarationSchema,
    camel(declaration),
    at,
  )
  const schema = parametersJsonSchema ?? (parameters && jsonSchemaOf(parameters))
  return { type: 'function', name, description, parameters: schema }
}

function callingConfig(given: unknown): z.infer<typeof callingSchema> {
  const { functionCallingConfig } = camel(given)
  return checkShape(callingSchema, camel(functionCallingConfig), 'toolConfig.functionCallingConfig')
}

/** Google's subset of OpenAPI as JSON Schema: types in small letters, numbers as numbers, `nullable` as a type. */
function jsonSchemaOf(schema: Fields): Fields {
  const converted: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'nullable' || key === 'propertyOrdering' || key === 'property_ordering') continue
    if (key === 'type' && typeof value === 'string') converted.type = value.toLowerCase()
    else if (key === 'format' && value === 'enum') continue
    else if (key === 'properties' && isFields(value))
      converted.properties = Object.fromEntries(
        Object.entries(value).map(([name, each]) => [name, isFields(each) ? jsonSchemaOf(each) : each]),
      )
    else if (/^(?:min|max)(?:Items|Length|Properties)$/.test(key)) converted[key] = Number(value)
    else if (Array.isArray(value))
      converted[key] = value.map((each) => (isFields(each) ? jsonSchemaOf(each) : each))
    else converted[key] = isFields(value) ? jsonSchemaOf(value) : value
  }
  if (schema.nullable === true && typeof converted.type === 'string')
    converted.type = [converted.type, 'null']
  return converted
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The fields of one level in their camel case; {} for what is no object. */
function camel(value: unknown): Fields {
  if (!isFields(value)) return {}
  const fields: Record<string, unknown> = {}
  for (const [key, each] of Object.entries(value))
    fields[key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())] = each
  return fields
}

const contentSchema = z.object({
  role: z.string().nullish(),
  parts: z.union([z.array(z.unknown()), z.looseObject({}).transform((part) => [part])]).default([]),
})

const partSchema = z.looseObject({
  text: z.string().nullish(),
  thought: z.boolean().nullish(),
  inlineData: z.unknown().optional(),
  fileData: z.unknown().optional(),
  functionCall: z
    .object({ id: z.string().nullish(), name: z.string(), args: z.unknown().optional() })
    .nullish(),
  functionResponse: z.unknown().optional(),
})

const blobSchema = z.object({
  data: z.string(),
  mimeType: z.string().max(128).nullish(),
  displayName: z.string().nullish(),
})

const fileSchema = z.object({ fileUri: z.string() })

const responseSchema = z.object({
  id: z.string().nullish(),
  name: z.string(),
  response: z.unknown().optional(),
  parts: z.array(z.unknown()).nullish(),
})

const jsonObject = z.record(z.string(), z.unknown())

const declarationSchema = z.object({
  name: z.string(),
  description: z.string().nullish(),
  parameters: jsonObject.nullish(),
  parametersJsonSchema: jsonObject.nullish(),
})

const callingSchema = z.object({
  mode: z.string().toUpperCase().nullish(),
  allowedFunctionNames: z.array(z.string()).nullish(),
})
