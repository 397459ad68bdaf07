import type { ChatEvent } from '../core/chat-event.ts'

/** An SSE comment: nothing of it reaches the text, and no client times out meanwhile. */
export const encodeProgress = ({ done, tasks }: Extract<ChatEvent, { type: 'progress' }>): string =>
  `: progress ${done}/${tasks}\n\n`
