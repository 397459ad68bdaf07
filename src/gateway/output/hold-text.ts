import type { ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import { UpstreamError } from '../../core/errors.ts'

export interface HeldAnswer {
  readonly text: string
  readonly finished: Extract<ChatEvent, { type: 'finished' }>
}

/** In UTF-16 units; more than any model says in one answer. */
const maxTextLength = 1024 * 1024

/** Holds the text of an answer and lets everything else pass at once. An answer that ends otherwise than of its own accord, with
 *  a call or cut short, is given back what was held and passes.
 *  @returns nothing when it passed, or broke off without an end
 *  @throws {UpstreamError} `malformed` when the text is longer than can be held */
export async function* holdText(
  events: AsyncIterable<ChatEventBatch>,
): AsyncGenerator<ChatEventBatch, HeldAnswer | undefined> {
  let text = ''
  let passes = false
  let finished: HeldAnswer['finished'] | undefined

  // To the very end, not to `finished`: an answer that is left before is no success of its account.
  for await (const batch of events) {
    const passed: ChatEvent[] = []
    for (const event of batch) {
      if (!passes && passesWith(event)) {
        passes = true
        if (text) passed.push({ type: 'text-delta', text })
      }
      if (passes) passed.push(event)
      else if (event.type === 'text-delta') text += event.text
      else if (event.type === 'finished') finished = event
      else passed.push(event)
    }
    if (passed.length > 0) yield passed
    if (!passes && text.length > maxTextLength) throw new UpstreamError('malformed', { message: tooLong })
  }
  return finished && { text, finished }
}

const tooLong = `The answer is longer than ${maxTextLength} characters, too long to be brought into a form.`

const passesWith = (event: ChatEvent): boolean =>
  event.type === 'tool-call-started' || (event.type === 'finished' && event.reason !== 'stop')
