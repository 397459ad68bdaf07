import { setTimeout as delay } from 'node:timers/promises'
import { finalState } from '../media/task-state.ts'
import type { MediaTask } from '../media/tasks.ts'
import type { Exchange } from '../route.ts'
import type { WireEvent } from '../scenario.ts'
import type { VendorAsk } from './vendor-ask.ts'
import type { ToolAnswer } from './vendor-scenario.ts'
import { keyOwner } from './vendor-site.ts'

/** Heartbeats, and the last line with what the tool has made. */
export async function* toolLines(
  exchange: Pick<Exchange, 'site' | 'origin' | 'signal'>,
  ask: VendorAsk,
  scenario: ToolAnswer,
): AsyncGenerator<WireEvent> {
  const { heartbeats = 1, heartbeatDelayMs = 0 } = scenario
  for (let count = 0; count < heartbeats; count += 1) {
    if (heartbeatDelayMs > 0) await delay(heartbeatDelayMs, undefined, { signal: exchange.signal })
    yield { heartbeat: count + 1 }
  }
  if (scenario.withoutFinal) return
  if (scenario.error !== undefined) return yield { status: 'error', message: scenario.error, data: null }
  yield { status: 'ok', message: 'success', data: toolData(exchange, ask, scenario) }
}

function toolData(
  { site, origin }: Pick<Exchange, 'site' | 'origin'>,
  { tool, apiKey, model, prompt }: VendorAsk,
  { tasks = [{}], place = 'public', urls = 'early' }: ToolAnswer,
): WireEvent {
  const kind = mediaTools[tool]
  if (kind === undefined) return { results: [`canned result of ${tool}`] }
  const made = tasks.map((plan) =>
    site.tasks.create({ kind, sessionId: keyOwner(apiKey), model, prompt, plan: { place, ...plan }, origin }),
  )
  return {
    [kind === 'image' ? 'generated_images' : 'generated_videos']: made.map(urls === 'early' ? ended : begun),
  }
}

const mediaTools: Readonly<Record<string, MediaTask['kind']>> = {
  image_generation: 'image',
  video_generation: 'video',
}

const begun = ({ id }: MediaTask): WireEvent => ({ task_id: id, status: 'PENDING' })

const ended = (task: MediaTask): WireEvent => ({ task_id: task.id, ...finalState(task) })
