import type { MediaPlan } from '../media/media-plan.ts'
import { pythonJson } from '../python-json.ts'
import type { WireEvent } from '../scenario.ts'
import { messageResult, updateTime } from './message-result.ts'

/** The events of a gen-1 image or video answer (WIRE 4.8). */
export function* copilotMediaEvents(plan: MediaPlan): Generator<WireEvent> {
  const { scenario, ask, project, messageId, tasks } = plan
  yield { id: project.id, type: 'project_start' }
  for (let count = 0; count < (scenario.keepalives ?? 0); count += 1) {
    yield {
      message_id: messageId,
      field_name: '_updatetime',
      field_value: updateTime(),
      type: 'message_field',
    }
  }
  if (scenario.withoutFinal) return
  const key = ask.kind === 'video' ? 'generated_videos' : 'generated_images'
  const list = tasks.map(({ id }) => ({ task_id: id }))
  yield messageResult(messageId, pythonJson({ [key]: list }), null)
}
