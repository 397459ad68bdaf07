import type { ChatAnswer, ChatEventBatch } from '../core/chat-event.ts'
import type { ChatRequest } from '../core/chat-request.ts'
import { type LimitOptions, limitAnswer } from './limits/limit-answer.ts'
import { checkSchemas } from './output/check-schemas.ts'
import { formOutput } from './output/form-output.ts'
import { type AskAgain, type AskPlain, createAskAgain } from './repair.ts'
import { callTools } from './tools/call-tools.ts'
import { renderPrompt } from './tools/render-prompt.ts'

/** Gives a request what the site knows nothing of: tools, structured output, stop sequences and a limit. Each is one stage over
 *  the events of a plain answer; a request without any costs nothing. Resolves when the first plain answer has begun. */
export async function fulfilRequest(
  request: ChatRequest,
  ask: AskPlain,
  options: Pick<LimitOptions, 'cutToTokens'> & { readonly createCallId: () => string },
): Promise<ChatAnswer> {
  const { tools, output, stop, maxTokens } = request
  await checkSchemas(request)
  const prompt = renderPrompt(request)
  const askAgain = createAskAgain(ask, prompt)
  const readCalls = (events: AsyncIterable<ChatEventBatch>) =>
    tools ? callTools(events, tools, { askAgain, createCallId: options.createCallId }) : events
  const askToForm: AskAgain = async (said, complaint) => readCalls(await askAgain(said, complaint))
  let events = readCalls((await ask(prompt)).events)
  if (output) events = formOutput(events, output, { askAgain: askToForm })
  if (stop?.length || maxTokens !== undefined)
    events = limitAnswer(events, { stop: stop ?? [], maxTokens, ...options })
  return { events }
}
