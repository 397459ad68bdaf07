import type { WireEvent } from '../scenario.ts'

/** The closing event of gen 1 (WIRE 4.7). */
export const messageResult = (id: string, content: string, session_state: WireEvent | null): WireEvent => ({
  id,
  role: 'assistant',
  content,
  action: null,
  recommend_actions: null,
  is_prompt: false,
  render_template: null,
  session_state,
  message_type: null,
  type: 'message_result',
})

/** e.g. `2025-03-04 10:11:12` */
export const updateTime = (): string => new Date().toISOString().slice(0, 19).replace('T', ' ')
