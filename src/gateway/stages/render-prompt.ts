import type {
  AssistantTurn,
  ChatMessage,
  ChatPrompt,
  ChatRequest,
  ChatRole,
  ChatTurn,
  ContentPart,
  OutputFormat,
  ToolDefinition,
  ToolResultTurn,
  ToolUse,
} from '../../core/chat-request.ts'

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

/** Teaches a model the tools and how to call them. The rules stand behind the definitions, which may be long: models follow best
 *  what comes last. */
export function describeTools({ definitions, choice, parallel }: ToolUse): string {
  return `# Tools

You have these tools. "Parameters" is the JSON Schema of a tool's arguments.

${definitions.map(describeTool).join('\n')}

## How to call a tool

Write this, with the name of the tool and a JSON object that fits its parameters:

${writeCall('name_of_the_tool', '{"name_of_a_parameter":"value"}')}

- This is the only form of a call, whatever tools or forms you know besides. No code fence around it, no comment in it; it is JSON, so within strings a line break is \\n, a quote \\" and a backslash \\\\.
- ${parallel ? 'Calls that do not need the results of each other may follow one another, each in its own <tool_call>.' : 'At most one call in an answer.'}
- Say what is to be said before the call. End your answer right behind ${parallel ? 'the last call' : 'it'}: the tool is run, and the next message brings what it gave as <tool_result>. Never write a <tool_result> yourself.
- ${choiceRule(choice)}`
}

function describeTool({ name, description, parameters }: ToolDefinition): string {
  const { $schema: _, ...schema } = parameters
  return `<tool name=${JSON.stringify(name)}>
${description ? `${description.trim()}\n` : ''}Parameters: ${JSON.stringify(schema)}
</tool>`
}

function choiceRule(choice: ToolUse['choice']): string {
  switch (choice.type) {
    case 'auto':
      return 'If no tool is needed, answer without a call.'
    case 'required':
      return 'This time your answer must hold a call, of whichever tool fits best.'
    case 'named':
      return `This time your answer must be a call of ${choice.name}, and of no other tool.`
    default:
      return choice satisfies never
  }
}

/** Tells a model in words what form its answer must have. */
export function describeOutput(format: OutputFormat): string {
  if (format.type === 'json-object') return `Answer with one JSON object. ${nothingElse}`
  const { name, description, schema } = format
  return [
    `Answer with one JSON value, "${name}". ${nothingElse}`,
    ...(description ? [description] : []),
    'It must fit this JSON Schema:',
    JSON.stringify(schema),
  ].join('\n')
}

export const nothingElse = 'Write nothing else: no words before or after it, no code fence.'

/** One call as models are taught to write it, and as they find it in the history. Many know this form from their training; it hardly
 *  ever occurs in prose.
 *  @param argumentsText  JSON */
export function writeCall(name: string, argumentsText: string): string {
  return `<tool_call>{"name":${JSON.stringify(name)},"arguments":${argumentsText}}</tool_call>`
}

/** Turns of tools as plain messages: a call in the form that models are taught, so that they keep to it; the results as the
 *  words (and pictures) of the user, in one message with each other and with what the user says to them.
 *  @returns the turns themselves when none is of tools */
function foldTurns(turns: readonly ChatTurn[]): readonly ChatMessage[] {
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
    callHeads.set(id, ` name=${JSON.stringify(name)} call="${index + 1}"`)
  return callsMessage(turn)
}

function callsMessage({ role, parts, toolCalls }: AssistantTurn): ChatMessage {
  const calls = toolCalls.map(({ name, argumentsText }) => writeCall(name, toJson(argumentsText)))
  const said: ChatMessage = { role, parts }
  return calls.length ? append(said, { role, parts: [text(calls.join('\n'))] }) : said
}

/** Arguments that are not JSON come from a client that made them up; they are sent as a JSON string. */
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

export interface PreMessage {
  readonly role: ChatRole
  readonly content: string
}

/** Puts the operator's messages (PRE_MESSAGES_JSON) in front of the client's. Pure. */
export function prependMessages(request: ChatRequest, preMessages: readonly PreMessage[]): ChatRequest {
  if (preMessages.length === 0) return request
  return { ...request, messages: [...preMessages.map(toChatMessage), ...request.messages] }
}

const toChatMessage = ({ role, content }: PreMessage): ChatMessage => ({
  role,
  parts: [{ type: 'text', text: content }],
})
