import type { WireGeneration } from './wire-generation.ts'

export type ChatRole = 'system' | 'user' | 'assistant'

export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | ImagePart
  /** Only between a dialect and the gateway, which fetches it: the upstream never sees one. */
  | { readonly type: 'image-url'; readonly url: string; readonly param: string }
  | FilePart

/** `base64` without the `data:` head; `mimeType` is what the bytes are, not what the client said. */
export interface ImagePart {
  readonly type: 'image'
  readonly mimeType: string
  readonly base64: string
}

/** Any other file; uploaded for the account that is asked (WIRE 4.5, 4.10, 5.2). */
export interface FilePart {
  readonly type: 'file'
  readonly name: string
  readonly mimeType: string
  readonly base64: string
}

/** Plain words and files in one of the three roles that both generations know; what a dialect has besides (developer) is folded
 *  into them by its parser. */
export interface ChatMessage {
  readonly role: ChatRole
  readonly parts: readonly ContentPart[]
  /** What the assistant thought before it said this, as the client sent it back: of use to an API key alone (WIRE 11). */
  readonly thoughts?: readonly Thought[]
}

/** `signature` is the vendor's seal on its own text; `redacted` stands in the place of a text that nobody may read. */
export interface Thought {
  readonly text: string
  readonly signature?: string
  readonly redacted?: string
}

/** One call of a tool by the model. */
export interface ToolCall {
  /** Unique in its conversation; a result names it. */
  readonly id: string
  readonly name: string
  /** JSON text, as the model or the client wrote it. */
  readonly argumentsText: string
}

/** What the assistant said, then the calls that it made. */
export interface AssistantTurn extends ChatMessage {
  readonly role: 'assistant'
  readonly toolCalls: readonly ToolCall[]
}

export interface ToolResultTurn {
  readonly role: 'tool'
  readonly callId: string
  readonly parts: readonly ContentPart[]
  /** The tool failed; `parts` say how. */
  readonly failed: boolean
}

export type ChatTurn = ChatMessage | AssistantTurn | ToolResultTurn

export interface ToolDefinition {
  readonly name: string
  readonly description: string | undefined
  /** JSON Schema of the arguments, an object's. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** Arguments that do not fit `parameters` are never handed to the client. */
  readonly strict: boolean
}

export type ToolChoice =
  | { readonly type: 'auto' }
  /** At least one call. */
  | { readonly type: 'required' }
  | { readonly type: 'named'; readonly name: string }

/** `tool_choice: none` leaves a request without tools. */
export interface ToolUse {
  /** At least one; names are unique. */
  readonly definitions: readonly ToolDefinition[]
  readonly choice: ToolChoice
  /** False: at most one call an answer. */
  readonly parallel: boolean
}

/** Structured output: the whole text of the answer is one JSON value. */
export type OutputFormat =
  | { readonly type: 'json-object' }
  | {
      readonly type: 'json-schema'
      readonly name: string
      readonly description: string | undefined
      readonly schema: Readonly<Record<string, unknown>>
    }

/** A model of the catalogue, resolved from the name that the client asked for. */
export interface ChatModel {
  /** The name as asked; echoed to the client, and the name of its chat binding. */
  readonly id: string
  /** What each generation is asked for: one id, or the three of a mixture (WIRE 7.3). */
  readonly upstreamIds: Readonly<Record<WireGeneration, readonly string[]>>
  readonly mixture: boolean
  /** The same model made to think less or more, where the site lists it so. */
  readonly variants?: Readonly<Partial<Record<'low' | 'high', ChatModel['upstreamIds']>>>
  /** The name is not known: the newest of its family answers, or the mixture. */
  readonly standIn?: string
  /** Web search, the `-search` suffix (WIRE 7.2). */
  readonly search: boolean
  /** API keys alone are served it: the site has no model of the name. */
  readonly keysOnly?: boolean
}

/** What every chat dialect is parsed into. The list of turns is the whole history. */
export interface ChatRequest {
  readonly model: ChatModel
  readonly messages: readonly ChatTurn[]
  readonly tools?: ToolUse
  readonly output?: OutputFormat
  /** The text ends before the first of these. */
  readonly stop?: readonly string[]
  /** Of the answer, reasoning included, in tokens of our count. */
  readonly maxTokens?: number
  /** What an API key takes and the site has no place for. */
  readonly sampling?: Sampling
}

export interface Sampling {
  readonly temperature?: number
  readonly topP?: number
  readonly seed?: number
  /** How long to think: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`. */
  readonly effort?: string
  /** The same in tokens, as Anthropic has it; 0 leaves it to the model. */
  readonly thinkingTokens?: number
}

/** What the site is asked: plain messages alone, since it takes neither tools nor limits (WIRE 5.3). */
export interface ChatPrompt {
  readonly model: ChatModel
  readonly messages: readonly ChatMessage[]
  /** What an API key is asked in their place: the request itself, in the vendor's own fields (WIRE 11). */
  readonly native?: ChatRequest
  /** Tools or form are told in words, for want of fields: no key is to be asked so. */
  readonly inWords?: boolean
}
