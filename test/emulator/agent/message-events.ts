import type { WireEvent } from '../scenario.ts'

/** Makers of the events that concern one message (WIRE 5.4). */
export function messageEvents(project_id: string, messageId: string) {
  return {
    start: (role: string, toolCallId: string | null = null): WireEvent => ({
      message_id: messageId,
      role,
      project_id,
      tool_call_id: toolCallId,
      type: 'message_start',
    }),
    delta: (name: string, delta: string): WireEvent => ({
      message_id: messageId,
      field_name: name,
      delta,
      project_id,
      type: 'message_field_delta',
    }),
    field: (name: string, value: unknown): WireEvent => ({
      message_id: messageId,
      field_name: name,
      field_value: value,
      project_id,
      type: 'message_field',
    }),
    result: (message: WireEvent): WireEvent => ({
      message_id: messageId,
      message: { id: messageId, ...message },
      project_id,
      type: 'message_result',
    }),
  }
}
