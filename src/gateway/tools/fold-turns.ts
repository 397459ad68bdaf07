import type {
  AssistantTurn,
  ChatMessage,
  ChatTurn,
  ContentPart,
  ToolResultTurn,
} from '../../core/chat-request.ts'
import { writeCall } from './call-mark.ts'

/** Turns of tools as plain messages: a call in the form that models are taught, so that they keep to it; the results as the
 *  words (and pictures) of the user, in one message with each other and with what the user says to them.
 *  @returns the turns themselves when none is of tools */
export function foldTurns(turns: readonly ChatTurn[]): readonly ChatMessage[] {
  if (turns.every(isPlain)) return turns
  const messages: ChatMessage[] = []
  const callHeads = new Map<string, string>()
  let afterResult = false
  for (const turn of turns) {
    const message = foldTurn(turn, callHeads)
    const last = messages.at(-1)
    if (afterResult && last && message.role === 'user') messages[messages.length - 1] = append(last, message)
    else messages.push(message)
    afterResult = turn.role === 'tool'
  }
  return messages
}

const isPlain = (turn: ChatTurn): turn is ChatMessage => turn.role !== 'tool' && !('toolCalls' in turn)

/** @param callHeads  by the id of a call, what tells its result apart; the calls of the turn are added */
function foldTurn(turn: ChatTurn, callHeads: Map<string, string>): ChatMessage {
  if (turn.role === 'tool') return resultMessage(turn, callHeads.get(turn.callId) ?? '')
  if (!('toolCalls' in turn)) return turn
  for (const [index, { id, name }] of turn.toolCalls.entries())
    callHeads.set(id, ` name="${name}" call="${index + 1}"`)
  return callsMessage(turn)
}

function callsMessage({ role, parts, toolCalls }: AssistantTurn): ChatMessage {
  const calls = toolCalls.map(({ name, argumentsText }) => writeCall(name, toJson(argumentsText)))
  const said: ChatMessage = { role, parts }
  return calls.length ? append(said, { role, parts: [text(calls.join('\n'))] }) : said
}

/** What is no JSON was made up by a client: a string of it is one. */
function toJson(argumentsText: string): string {
  if (argumentsText.trim() === '') return '{}'
  try {
    JSON.parse(argumentsText)
    return argumentsText
  } catch {
    return JSON.stringify(argumentsText)
  }
}

function resultMessage({ parts, failed }: ToolResultTurn, callHead: string): ChatMessage {
  const head = `<tool_result${callHead}${failed ? ' failed="true"' : ''}>`
  return { role: 'user', parts: joinTexts([text(`${head}\n`), ...parts, text('\n</tool_result>')]) }
}

const append = ({ role, parts }: ChatMessage, more: ChatMessage): ChatMessage => ({
  role,
  parts: joinTexts(parts.length ? [...parts, text('\n'), ...more.parts] : more.parts),
})

/** Texts side by side as one, so that a message without files stays a string on the wire. */
function joinTexts(parts: readonly ContentPart[]): readonly ContentPart[] {
  const joined: ContentPart[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (part.type === 'text' && last?.type === 'text') joined[joined.length - 1] = text(last.text + part.text)
    else joined.push(part)
  }
  return joined
}

const text = (words: string): ContentPart => ({ type: 'text', text: words })
