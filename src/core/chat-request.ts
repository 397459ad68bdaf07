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

/** Any other file; uploaded for the account that is asked (UPSTREAM 4.5, 4.10, 5.2). */
export interface FilePart {
  readonly type: 'file'
  readonly name: string
  readonly mimeType: string
  readonly base64: string
}

/** Both generations know these three roles; what a dialect has besides (developer, tool) is folded into them by its parser. */
export interface ChatMessage {
  readonly role: ChatRole
  readonly parts: readonly ContentPart[]
}

/** A model of the catalogue, resolved from the name that the client asked for. */
export interface ChatModel {
  /** The name as asked; echoed to the client, and the name of its chat binding. */
  readonly id: string
  /** What each generation is asked for: one id, or the three of a mixture (UPSTREAM 7.3). */
  readonly upstreamIds: Readonly<Record<WireGeneration, readonly string[]>>
  readonly mixture: boolean
  /** Web search, the `-search` suffix (UPSTREAM 7.2). */
  readonly search: boolean
}

/** What every chat dialect is parsed into. The message list is the whole history. */
export interface ChatRequest {
  readonly model: ChatModel
  readonly messages: readonly ChatMessage[]
}
