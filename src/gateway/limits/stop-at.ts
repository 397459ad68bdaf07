import type { ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import { createStopFinder, type Found } from './stop-finder.ts'

/** Ends an answer before the first stop sequence in its text, wherever the deltas are cut. Holds back only what may begin one.
 *  Reasoning and calls are not looked into. */
export async function* stopAt(
  events: AsyncIterable<ChatEventBatch>,
  sequences: readonly string[],
): AsyncGenerator<ChatEventBatch> {
  const finder = createStopFinder(sequences)
  for await (const batch of events) {
    const passed: ChatEvent[] = []
    for (const event of batch) {
      if (event.type === 'text-delta' && finder.passes(event.text)) {
        passed.push(event)
        continue
      }
      const found = look(event)
      if (found?.text) passed.push({ type: 'text-delta', text: found.text })
      if (found?.stopSequence !== undefined) {
        yield [...passed, { type: 'finished', reason: 'stop', stopSequence: found.stopSequence }]
        return
      }
      if (event.type !== 'text-delta') passed.push(event)
    }
    if (passed.length > 0) yield passed
  }

  function look(event: ChatEvent): Found | undefined {
    switch (event.type) {
      case 'text-delta':
        return finder.add(event.text)
      case 'tool-call-started':
      case 'refusal':
      case 'finished':
        return finder.end()
      case 'project-started':
      case 'reasoning-delta':
      case 'progress':
      case 'tool-call-delta':
        return undefined
      default:
        return event satisfies never
    }
  }
}
