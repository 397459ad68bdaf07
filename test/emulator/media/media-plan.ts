import { randomUUID } from 'node:crypto'
import type { AskRecord } from '../ask-record.ts'
import type { Project } from '../projects.ts'
import type { Site } from '../site.ts'
import type { MediaScenario } from './media-scenario.ts'
import type { MediaTask } from './tasks.ts'

/** The answer to an image or video ask with everything decided, for the event makers of both generations. */
export interface MediaPlan {
  readonly scenario: MediaScenario
  readonly ask: AskRecord
  readonly project: Project
  readonly messageId: string
  readonly tasks: readonly MediaTask[]
  /** Epoch seconds. */
  readonly resetAt: number
}

export function planMedia(
  site: Site,
  scenario: MediaScenario,
  { ask, project }: { ask: AskRecord; project: Project },
): MediaPlan {
  const resetAt = scenario.resetAt ?? Math.floor(Date.now() / 1000) + 3600
  return {
    scenario,
    ask,
    project,
    messageId: randomUUID(),
    tasks: site.tasks.begin(ask, servedModel(site, ask), scenario),
    resetAt,
  }
}

/** In gen 2 pictures of an unknown model are made by another, without a word (WIRE 5.6). */
function servedModel({ lists }: Site, { generation, kind, model }: AskRecord): string {
  if (generation === 'copilot' || kind !== 'image') return model
  return lists.image.some(({ name }) => name === model) ? model : 'gpt-image-2'
}

/** What becomes of an image or video ask without a valid token (WIRE 3.4): in gen 1 nothing is made; in gen 2 images get a
 *  wall whose end moves, 90 minutes from each ask. @returns undefined when it is answered as any other */
export function withoutToken({ tokenCheck }: Site, ask: AskRecord): MediaScenario | undefined {
  if (tokenCheck === 'off' || ask.token.verdict === 'accepted') return undefined
  if (ask.generation === 'copilot') return { type: 'media', tasks: [] }
  if (ask.kind === 'video') return undefined
  const resetAt = Math.floor(Date.now() / 1000) + 90 * 60
  return { type: 'media', tasks: [], limit: 'reached', resetAt }
}
