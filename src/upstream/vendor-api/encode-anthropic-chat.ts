import type { ChatMessage, ChatPrompt, ChatRole, ContentPart } from '../../core/chat-request.ts'

/** The style demands a limit, thinking included, and refuses one above the model's own; every Claude since 4 takes this one. */
const maxTokens = 32_000

interface Turn {
  readonly role: ChatRole
  readonly content: (object | undefined)[]
}

/** The body of a chat in Anthropic's style, always with the whole history: the system's words apart, the others' in turns.
 *  @returns undefined where the style has no form for it: files other than PDF, pictures that are not the user's, turns that
 *  do not begin and end with the user's. Source: UPSTREAM 11, platform.claude.com/docs/en/api/messages */
export function encodeAnthropicChat({ model, messages }: ChatPrompt) {
  const system = messages.filter(isOfSystem).flatMap(encodeParts)
  const turns = encodeTurns(messages)
  const blocks = [...system, ...turns.flatMap(({ content }) => content)]
  if (blocks.includes(undefined)) return undefined
  if (turns.at(0)?.role !== 'user' || turns.at(-1)?.role !== 'user') return undefined
  return {
    model: model.upstreamIds.agent[0],
    max_tokens: maxTokens,
    ...(system.length > 0 && { system }),
    messages: turns,
    stream: true,
  }
}

/** Turns alternate: what one says in a row is one. */
function encodeTurns(messages: readonly ChatMessage[]): Turn[] {
  const turns: Turn[] = []
  for (const message of messages) {
    const content = encodeParts(message)
    if (isOfSystem(message) || content.length === 0) continue
    const last = turns.at(-1)
    if (last?.role === message.role) for (const block of content) last.content.push(block)
    else turns.push({ role: message.role, content })
  }
  return turns
}

const isOfSystem = ({ role }: ChatMessage): boolean => role === 'system'

/** Blank text is refused and says nothing. */
const encodeParts = ({ role, parts }: ChatMessage): (object | undefined)[] =>
  parts
    .filter((part) => part.type !== 'text' || part.text.trim() !== '')
    .map((part) => encodePart(part, role))

function encodePart(part: ContentPart, role: ChatRole): object | undefined {
  if (part.type === 'text') return part
  if (part.type === 'image-url' || role !== 'user') return undefined
  const { mimeType, base64 } = part
  const type = blockTypes.get(mimeType)
  if (type === undefined) return undefined
  return { type, source: { type: 'base64', media_type: mimeType, data: base64 } }
}

const blockTypes: ReadonlyMap<string, string> = new Map([
  ['image/png', 'image'],
  ['image/jpeg', 'image'],
  ['image/gif', 'image'],
  ['image/webp', 'image'],
  ['application/pdf', 'document'],
])
