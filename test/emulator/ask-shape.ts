import { z } from 'zod'
import type { AskKind, AskMessage, AskRecord } from './ask-record.ts'

/** What both generations' ask bodies are read into. */
export interface AskShape {
  readonly kind: AskKind
  readonly messages: readonly AskMessage[]
  readonly models: readonly string[]
  /** See `AskRecord`. */
  readonly wanted: AskRecord['wanted']
  readonly search: boolean
  readonly projectId: string | undefined
  /** `""` counts as none. */
  readonly token: string | undefined
}

/** A body that WIRE does not allow. */
export class RefusedBody extends Error {
  readonly status: number

  constructor(status: number, words: string) {
    super(words)
    this.status = status
  }
}

/** @throws {RefusedBody} */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw new RefusedBody(400, z.prettifyError(parsed.error))
  return parsed.data
}

/** Text of the last user message, without its other parts. */
export function lastPrompt(messages: readonly AskMessage[]): string {
  const content = messages.findLast((message) => message.role === 'user')?.content ?? ''
  if (typeof content === 'string') return content
  return content.map((part) => (typeof part.text === 'string' ? part.text : '')).join('')
}
