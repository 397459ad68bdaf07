import type { ContentPart } from '../../core/chat-request.ts'

/** Texts side by side as one, each on a line of its own: what clients cut into blocks (to cache it, mostly) is one text to a
 *  model, and a message of one text alone stays a string on the wire. */
export function joinTexts(parts: readonly ContentPart[]): readonly ContentPart[] {
  const joined: ContentPart[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (part.type === 'text' && last?.type === 'text')
      joined[joined.length - 1] = { type: 'text', text: `${last.text}\n${part.text}` }
    else joined.push(part)
  }
  return joined
}
