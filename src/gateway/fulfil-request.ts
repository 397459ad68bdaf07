import type { ChatAnswer, ChatEventBatch } from '../core/chat-event.ts'
import type { ChatPrompt, ChatRequest } from '../core/chat-request.ts'
import { InvalidRequestError } from '../core/errors.ts'
import { callTools } from './stages/call-tools.ts'
import { InvalidSchemaError, verifySchema } from './stages/check-json.ts'
import type { JsonSchema } from './stages/compile-schema.ts'
import { formOutput } from './stages/form-output.ts'
import { type LimitOptions, limitAnswer } from './stages/limit-answer.ts'
import { renderPrompt } from './stages/render-prompt.ts'
import { type AskAgain, type AskPlain, createAskAgain } from './stages/stage.ts'

export interface FulfilOptions extends Pick<LimitOptions, 'cutToTokens'> {
  readonly createCallId: () => string
}

/** Gives a request what the site does not know of: tools, structured output, stop sequences and a limit. Each is one stage over
 *  the events of a plain answer; a request without any gets the plain answer itself. Resolves when the first plain answer has
 *  begun. */
export function fulfilRequest(
  request: ChatRequest,
  ask: AskPlain,
  options: FulfilOptions,
): Promise<ChatAnswer> {
  if (!isPlain(request)) return fulfilInStages(request, ask, options)
  return ask(request.sampling ? { ...request, native: request } : request)
}

/** Asks for nothing but plain words, and its history holds nothing else. */
function isPlain(request: ChatRequest): request is ChatRequest & ChatPrompt {
  const { tools, output, stop, maxTokens, messages } = request
  if (tools || output || stop?.length || maxTokens !== undefined) return false
  return messages.every((turn) => turn.role !== 'tool' && !('toolCalls' in turn))
}

async function fulfilInStages(
  request: ChatRequest,
  ask: AskPlain,
  { cutToTokens, createCallId }: FulfilOptions,
): Promise<ChatAnswer> {
  const { tools, output, stop = [], maxTokens } = request
  await checkSchemas(request)
  const prompt = renderPrompt(request)
  const askAgain = createAskAgain(ask, { ...prompt, inWords: true })
  const readCalls = (answer: AsyncIterable<ChatEventBatch>) =>
    tools ? callTools(answer, tools, { askAgain, createCallId }) : answer
  const askToForm: AskAgain = async (said, complaint) => readCalls(await askAgain(said, complaint))
  const answer = await ask({ ...prompt, native: request })
  if (answer.isNative) return answer
  let events = readCalls(answer.events)
  if (output) events = formOutput(events, output, { askAgain: askToForm })
  return { events: limitAnswer(events, { stop, maxTokens, cutToTokens }) }
}

/** Tries every schema that the answer will be held to, before anything is asked. Of tools those are the strict ones: the others
 *  are only shown to the model.
 *  @throws {InvalidRequestError} `invalid_value`
 *  @throws {UnavailableError} `queue_full` */
export async function checkSchemas({ tools, output }: Pick<ChatRequest, 'tools' | 'output'>): Promise<void> {
  if (output?.type === 'json-schema')
    await checkSchema(output.schema, `The schema "${output.name}" of the answer`, 'response_format')
  for (const { name, parameters, strict } of tools?.definitions ?? []) {
    if (strict) await checkSchema(parameters, `The schema of the tool "${name}"`, 'tools')
  }
}

async function checkSchema(schema: JsonSchema, what: string, param: string): Promise<void> {
  try {
    await verifySchema(schema)
  } catch (error) {
    if (!(error instanceof InvalidSchemaError)) throw error
    throw new InvalidRequestError('invalid_value', {
      message: `${what} cannot be used: ${error.reason}.`,
      param,
      cause: error,
    })
  }
}
