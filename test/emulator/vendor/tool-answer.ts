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
    yield { version: 1, heartbeat: count + 1 }
  }
  if (scenario.withoutFinal) return
  if (scenario.error !== undefined) return yield { status: 'error', message: scenario.error, data: null }
  yield { status: 'ok', message: 'success', data: toolData(exchange, ask, scenario) }
}

function toolData(
  { site, origin }: Pick<Exchange, 'site' | 'origin'>,
  { tool, apiKey, model, prompt, body }: VendorAsk,
  { tasks = [{}], place = 'public', urls = 'early' }: ToolAnswer,
): WireEvent {
  const kind = mediaTools[tool]
  if (tool === 'audio_generation') {
    const file = { sessionId: keyOwner(apiKey), contentType: 'audio/mpeg', bytes: cannedSound, place }
    return { generated_audios: [{ task_id: 'a-1', audio_urls: [site.files.add({ origin, ...file })] }] }
  }
  if (tool === 'audio_transcribe') return { text: 'canned transcript' }
  if (tool === 'get_model_info')
    return {
      models: [
        {
          name: (body.model_names as readonly string[])[0],
          params_schema: {
            type: 'object',
            properties: { voice_id: { type: 'string' }, speed: { type: 'number' } },
          },
          speakers: ['Aria', 'Roger'],
        },
      ],
    }
  if (kind === undefined) return { results: [`canned result of ${tool}`] }
  const made = tasks.map((plan) =>
    site.tasks.create({ kind, sessionId: keyOwner(apiKey), model, prompt, plan: { place, ...plan }, origin }),
  )
  return {
    [kind === 'image' ? 'generated_images' : 'generated_videos']: made.map(urls === 'early' ? ended : begun),
  }
}

/** An empty tag of ID3, and a frame. */
const cannedSound = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\0', 'latin1'), Buffer.alloc(64, 0xff)])

const mediaTools: Readonly<Record<string, MediaTask['kind']>> = {
  image_generation: 'image',
  video_generation: 'video',
}

const begun = ({ id }: MediaTask): WireEvent => ({ task_id: id, status: 'PENDING' })

const ended = (task: MediaTask): WireEvent => ({ task_id: task.id, ...finalState(task) })
