import type { AskMessage } from './ask-record.ts'

/** What both generations' ask bodies are read into. */
export interface AskShape {
  readonly messages: readonly AskMessage[]
  readonly models: readonly string[]
  readonly search: boolean
  readonly projectId: string | undefined
  /** `""` counts as none. */
  readonly token: string | undefined
}

/** A body that UPSTREAM does not allow. */
export class RefusedBody extends Error {
  readonly status: number

  constructor(status: number, words: string) {
    super(words)
    this.status = status
  }
}

/** Text of the last user message, without its other parts. */
export function lastPrompt(messages: readonly AskMessage[]): string {
  const content = messages.findLast((message) => message.role === 'user')?.content ?? ''
  if (typeof content === 'string') return content
  return content.map((part) => (typeof part.text === 'string' ? part.text : '')).join('')
}
