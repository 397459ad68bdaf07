import { randomUUID } from 'node:crypto'
import type { AnswerPlan } from '../answer-plan.ts'
import type { WireEvent } from '../scenario.ts'
import { messageEvents } from './message-events.ts'

/** The events of a gen-2 answer in the order of WIRE 5.4; the writer adds `_event_index`. */
export async function* agentAnswerEvents(plan: AnswerPlan): AsyncGenerator<WireEvent> {
  const { scenario, project } = plan
  const projectField = (name: string, value: unknown): WireEvent => ({
    id: project.id,
    field_name: name,
    field_value: value,
    type: 'project_field',
  })

  yield { id: project.id, type: 'project_start' }
  yield* scenario.extraEvents ?? []
  for (let count = 0; count < (scenario.keepalives ?? 1); count += 1) {
    yield { type: 'agent_notification', notification: 'keepalive' }
  }
  const time = new Date().toISOString().replace('Z', '000')
  yield { message_id: project.id, field_name: '_updatetime', field_value: time, type: 'message_field' }
  if (plan.search || scenario.toolTurn) yield* toolTurn(plan)
  yield* answerMessage(plan)
  yield projectField('name', plan.title)
  if (scenario.withoutFinal) return
  yield scenario.terminator === 'project-end' ? { type: 'project_end' } : projectField('status', 'FINISHED')
}

async function* answerMessage(plan: AnswerPlan): AsyncGenerator<WireEvent> {
  const { scenario, project, messageId, closingText } = plan
  const message = messageEvents(project.id, messageId)
  yield message.start('assistant')
  if (scenario.thinking) {
    yield message.field('reasoning_id', `rs_${messageId.replaceAll('-', '')}`)
    yield message.field('reasoning_encrypted_content', Buffer.from(messageId).toString('base64'))
  }
  const carrier = scenario.carrier ?? 'deltas'
  if (carrier === 'deltas') for await (const chunk of plan.chunks) yield message.delta('content', chunk)
  if (carrier === 'message-fields')
    for await (const chunk of plan.chunks) yield message.field('content', chunk)
  if (carrier === 'deltas' || carrier === 'full-value') yield message.field('content', closingText)
  yield message.result({ role: 'assistant', content: closingText, ...servedModel(plan) })
}

/** A lead-in with a tool call, and the tool's own message (WIRE 5.4, 7.2). */
function* toolTurn(plan: AnswerPlan): Generator<WireEvent> {
  const { project } = plan
  const lead = messageEvents(project.id, randomUUID())
  const leadText = 'Let me look that up.'
  const callId = `call_${randomUUID()}`
  const queries = JSON.stringify({ queries: [plan.ask.prompt.slice(0, 80)] })
  yield lead.start('assistant')
  yield lead.delta('content', leadText)
  yield lead.delta('tool_calls.0.function.arguments', queries)
  yield lead.field('content', leadText)
  const call = { id: callId, type: 'function', function: { name: 'web_search', arguments: queries } }
  yield lead.result({ role: 'assistant', content: leadText, tool_calls: [call], ...servedModel(plan) })

  const tool = messageEvents(project.id, randomUUID())
  const result = 'Canned search result.'
  yield tool.start('tool', callId)
  yield tool.field('content', result)
  yield tool.result({ role: 'tool', content: result, tool_call_id: callId })
}

/** The place of `_llm_model` varies (WIRE 12); by default both are filled. */
function servedModel({ scenario, servedModel: _llm_model }: AnswerPlan): WireEvent {
  const place = scenario.servedModelPlace ?? 'both'
  return {
    ...(place === 'session-state' ? {} : { _llm_model }),
    _finish_reason: 'stop',
    session_state: { ...(place === 'message' ? {} : { _llm_model }), _llm_usage: {} },
  }
}
