import type { ChatMessage, ChatPrompt, ChatRequest } from '../../core/chat-request.ts'
import { describeOutput } from '../output/describe-output.ts'
import { describeTools } from './describe-tools.ts'
import { foldTurns } from './fold-turns.ts'

/** What is asked of the site in plain words: tools and the form of the answer become a system message behind those that the
 *  history begins with. Without any the messages stay as they are. Pure. */
export function renderPrompt({ model, messages, tools, output }: ChatRequest): ChatPrompt {
  const folded = foldTurns(messages)
  const rules: string[] = []
  if (tools) rules.push(describeTools(tools))
  else if (folded !== messages) rules.push(noMoreCalls)
  if (output) rules.push((tools ? 'When you call no tool: ' : '') + describeOutput(output))
  if (rules.length === 0) return { model, messages: folded }
  const end = folded.findIndex((message) => message.role !== 'system')
  const at = end === -1 ? folded.length : end
  return { model, messages: [...folded.slice(0, at), systemMessage(rules), ...folded.slice(at)] }
}

const noMoreCalls =
  'There are no tools now, though this conversation may hold calls of some: answer without calling any.'

const systemMessage = (rules: readonly string[]): ChatMessage => ({
  role: 'system',
  parts: [{ type: 'text', text: rules.join('\n\n') }],
})
