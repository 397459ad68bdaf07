/** What the output of a response is made of, in the vendor's types. */
export type OutputItem = MessageItem | ReasoningItem | FunctionCallItem | CustomCallItem

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

export interface MessageItem {
  readonly type: 'message'
  readonly id: string
  readonly status: ItemStatus
  readonly role: 'assistant'
  readonly content: readonly MessagePart[]
}

export type MessagePart =
  | {
      readonly type: 'output_text'
      readonly text: string
      readonly annotations: readonly []
      readonly logprobs: readonly []
    }
  | { readonly type: 'refusal'; readonly refusal: string }

export interface ReasoningItem {
  readonly type: 'reasoning'
  readonly id: string
  readonly summary: readonly SummaryPart[]
}

export interface SummaryPart {
  readonly type: 'summary_text'
  readonly text: string
}

export interface FunctionCallItem {
  readonly type: 'function_call'
  readonly id: string
  readonly call_id: string
  readonly name: string
  readonly arguments: string
  readonly status: ItemStatus
}

/** A call of a tool that takes free text. */
export interface CustomCallItem {
  readonly type: 'custom_tool_call'
  readonly id: string
  readonly call_id: string
  readonly name: string
  readonly input: string
  readonly status: ItemStatus
}
