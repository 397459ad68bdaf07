import type { AnswerPlan } from '../answer-plan.ts'
import type { Chunks, WireEvent } from '../scenario.ts'
import { messageResult, updateTime } from './message-result.ts'

/** The events of a gen-1 answer in the order of WIRE 4.7, thinking and search as in 7.1 to 7.4. */
export async function* copilotAnswerEvents(plan: AnswerPlan): AsyncGenerator<WireEvent> {
  const { scenario, ask, project, messageId, closingText } = plan
  const field = (name: string, value: unknown): WireEvent => ({
    message_id: messageId,
    field_name: name,
    field_value: value,
    type: 'message_field',
  })
  async function* deltas(name: string, chunks: Chunks): AsyncGenerator<WireEvent> {
    for await (const delta of chunks) {
      yield { message_id: messageId, field_name: name, delta, type: 'message_field_delta' }
    }
  }

  yield { id: project.id, type: 'project_start' }
  yield* scenario.extraEvents ?? []
  for (let count = 0; count < (scenario.keepalives ?? 0); count += 1) yield field('_updatetime', updateTime())
  const drafts = draftsOf(plan)
  yield field('session_state', { models: ask.models, layers: drafts.length > 0 ? 2 : 1 })
  for (const [index, draft] of drafts.entries())
    yield* deltas(`session_state.layer_1_answer_${index}`, [draft])
  if (scenario.thinking) {
    yield field('session_state.answerthink_is_started', true)
    yield* deltas('session_state.answerthink', scenario.thinking)
    yield field('session_state.answerthink_is_finished', true)
  }
  const carrier = carrierOf(plan)
  if (carrier === 'full-value') yield field('session_state.answer', closingText)
  if (carrier === 'deltas' && !plan.search) yield* deltas('session_state.answer', plan.chunks)
  if (carrier === 'deltas' && plan.search) {
    yield* deltas('session_state.streaming_detail_answer_0', plan.chunks)
    yield* deltas('session_state.streaming_markmap', scenario.markmap ?? ['\n\n# Mind map\n', '- canned\n'])
  }
  const content = isJsonAnswer(plan) ? JSON.stringify({ detailAnswer: closingText }) : closingText
  yield field('session_state.answer_is_finished', true)
  yield field('content', content)
  yield field('_updatetime', updateTime())
  yield { id: project.id, field_name: 'name', field_value: plan.title, type: 'project_field' }
  if (scenario.withoutFinal) return
  yield messageResult(messageId, content, { answer: closingText, answer_is_finished: true })
}

function carrierOf(plan: AnswerPlan): 'deltas' | 'full-value' | 'result-only' {
  const { carrier } = plan.scenario
  if (carrier === 'message-fields') return 'full-value'
  if (carrier) return carrier
  if (isJsonAnswer(plan)) return 'result-only'
  return fullValueModels.includes(plan.ask.model) ? 'full-value' : 'deltas'
}

/** WIRE 7.4. */
const fullValueModels = ['o1', 'o3-mini-high']

/** WIRE 7.2. */
const isJsonAnswer = ({ ask, search }: AnswerPlan): boolean => search && ask.model === 'o1'

const draftsOf = ({ scenario, ask }: AnswerPlan): readonly string[] =>
  scenario.drafts ?? (ask.models.length > 1 ? ask.models.map((model) => `Canned draft of ${model}.`) : [])
