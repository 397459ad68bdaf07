import type { MediaPlan } from '../media/media-plan.ts'
import { finalState } from '../media/task-state.ts'
import type { MediaTask } from '../media/tasks.ts'
import type { WireEvent } from '../scenario.ts'
import { messageEvents } from './message-events.ts'

/** The events of a gen-2 image or video answer (WIRE 5.6, 5.7); the writer adds `_event_index`. */
export function* agentMediaEvents(plan: MediaPlan): Generator<WireEvent> {
  const { scenario, project, messageId, tasks } = plan
  const message = messageEvents(project.id, messageId)
  const projectField = (name: string, value: unknown): WireEvent => ({
    id: project.id,
    field_name: name,
    field_value: value,
    type: 'project_field',
  })

  yield { id: project.id, type: 'project_start' }
  for (let count = 0; count < (scenario.keepalives ?? 1); count += 1) {
    yield { type: 'agent_notification', notification: 'keepalive' }
  }
  yield message.start('assistant')
  if (tasks.length > 0) yield* taskEvents(plan)
  if (scenario.limit) yield message.field('session_state.session_limit_message', limitWords(plan))
  const inContent = scenario.carrier === 'content'
  const content = inContent ? tasks.flatMap(allUrls).map(markdown).join('\n\n') : ''
  if (inContent) yield message.field('content', content)
  yield message.result({ role: 'assistant', content, _finish_reason: 'stop' })
  if (scenario.withoutFinal) return
  yield projectField('status', 'FINISHED')
}

function* taskEvents(plan: MediaPlan): Generator<WireEvent> {
  const { scenario, ask, project, messageId, tasks } = plan
  const message = messageEvents(project.id, messageId)
  const { urls = 'never', carrier = 'results' } = scenario
  const resultsField = (results: readonly WireEvent[]): WireEvent => {
    const name = `${ask.kind === 'video' ? 'video' : 'image'}_generation_agent.results`
    if (scenario.eventType === 'message_field') return message.field(name, results)
    return { id: project.id, field_name: name, field_value: results, type: 'project_field' }
  }
  const ids = tasks.map(({ id }) => id)

  switch (carrier) {
    case 'results':
      if (urls !== 'early') yield resultsField(tasks.map(begun))
      if (urls !== 'never') yield resultsField(tasks.map(ended))
      return
    case 'tool-call':
      return yield message.field('tool_calls', tasks.map(toolCall))
    case 'task-object':
      for (const { id, kind } of tasks) {
        yield message.field('task', {
          task_id: id,
          task_type: `${kind}_generation`,
          task_source: 'agent',
          queue_name: kind,
        })
      }
      return
    case 'task-ids':
      return yield message.field('session_state', { task_ids: ids })
    case 'tasks':
      return yield message.field('session_state', {
        tasks: Object.fromEntries(ids.map((id) => [id, { status: 'PENDING' }])),
      })
    case 'content':
      return
    default:
      carrier satisfies never
  }
}

const begun = (task: MediaTask): WireEvent => ({ ...described(task), status: 'PENDING', ...emptyUrls(task) })

const ended = (task: MediaTask): WireEvent => ({ ...described(task), ...finalState(task) })

const described = ({ id, prompt, model }: MediaTask): WireEvent => ({
  task_id: id,
  prompt: `rewritten: ${prompt}`,
  model,
  image_size: '1k',
})

const emptyUrls = ({ urls }: MediaTask): WireEvent =>
  Object.fromEntries(Object.keys(urls).map((name) => [name, []]))

const toolCall = (task: MediaTask): WireEvent => ({
  id: `call_${task.id}`,
  type: 'function',
  function: {
    name: `generate_${task.kind}`,
    arguments: JSON.stringify({ prompt: `rewritten: ${task.prompt}` }),
  },
  task_id: task.id,
})

const allUrls = ({ urls }: MediaTask): readonly string[] => Object.values(urls)[0] ?? []

const markdown = (url: string): string => `![generated](${url})`

function limitWords({ scenario, resetAt, ask }: MediaPlan): string {
  const link = `AI ${ask.kind === 'video' ? 'Video' : 'Image'} [5-hour limit](https://www.genspark.ai/pricing)`
  return scenario.limit === 'approaching'
    ? `Approaching 5-hour limit.`
    : `${link} reached. Resets {time:${resetAt}}`
}
