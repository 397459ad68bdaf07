import type { ChatEvent } from '../../core/chat-event.ts'

/** `hidden` drops the reasoning. */
export const reasoningFormats = ['reasoning-content', 'think-tags', 'hidden'] as const
export type ReasoningFormat = (typeof reasoningFormats)[number]

/** A stretch of text and the field of a delta that it belongs to. */
export interface Piece {
  readonly field: 'content' | 'reasoning_content' | 'refusal'
  readonly text: string
}

export interface ReasoningPresenter {
  /** What a client gets to see of an event, calls aside. */
  present(event: ChatEvent): readonly Piece[]
  /** Closes what is open, at the end of an answer, whole or not. */
  close(): readonly Piece[]
}

/** One presenter a streamed choice. Each think tag is a piece of its own: NextChat knows them only at the edges of a delta
 *  (CLIENTS rule 11). */
export function createReasoningPresenter(format: ReasoningFormat): ReasoningPresenter {
  let thinking = false

  function presentReasoning(text: string): Piece[] {
    if (format === 'hidden') return []
    if (format === 'reasoning-content') return [{ field: 'reasoning_content', text }]
    const pieces: Piece[] = [{ field: 'content', text }]
    if (!thinking) pieces.unshift({ field: 'content', text: '<think>' })
    thinking = true
    return pieces
  }

  function close(): Piece[] {
    if (!thinking) return []
    thinking = false
    return [{ field: 'content', text: '</think>' }]
  }

  return {
    present(event) {
      switch (event.type) {
        case 'reasoning-delta':
          return event.text ? presentReasoning(event.text) : []
        case 'text-delta':
          return event.text ? [...close(), { field: 'content', text: event.text }] : []
        case 'refusal':
          return [...close(), { field: 'refusal', text: event.text }]
        case 'tool-call-started':
        case 'finished':
          return close()
        case 'tool-call-delta':
        case 'project-started':
        case 'progress':
          return []
      }
    },
    close,
  }
}

/** The same for an answer that is not streamed. */
export function presentWhole(
  { text, reasoning }: { readonly text: string; readonly reasoning: string },
  format: ReasoningFormat,
): { readonly content: string; readonly reasoningContent: string } {
  if (format === 'think-tags' && reasoning)
    return { content: `<think>${reasoning}</think>${text}`, reasoningContent: '' }
  return { content: text, reasoningContent: format === 'reasoning-content' ? reasoning : '' }
}
