import { setTimeout as delay } from 'node:timers/promises'
import type { WireGeneration } from '../../src/core/wire-generation.ts'
import { agentAnswerEvents } from './agent/answer-events.ts'
import { agentMediaEvents } from './agent/media-events.ts'
import { planAnswer } from './answer-plan.ts'
import type { AskRecord } from './ask-record.ts'
import { copilotAnswerEvents } from './copilot/answer-events.ts'
import { copilotMediaEvents } from './copilot/media-events.ts'
import { echoAnswer, weakerModels, whyWeaker } from './echo-answer.ts'
import { isGone, isWhole } from './end-reply.ts'
import { findProject } from './find-project.ts'
import { magicScenario } from './magic-prompt.ts'
import { planMedia, withoutToken } from './media/media-plan.ts'
import type { Exchange } from './route.ts'
import type { Scenario } from './scenario.ts'
import { sendFailure } from './send-failure.ts'
import { type StreamOptions, sendStream } from './send-stream.ts'
import { openAsks, type Site } from './site.ts'
import { understandAsk } from './understand-ask.ts'

/** The life of one ask: understood, recorded, answered by its scenario. */
export async function answerAsk(
  site: Site,
  generation: WireGeneration,
  { request, response, isGuest }: Pick<Exchange, 'request' | 'response' | 'isGuest'>,
): Promise<void> {
  const ask = await understandAsk(site, generation, request, response)
  if (!ask) return
  const gone = new AbortController()
  response.once('close', () => {
    gone.abort()
    ask.ended ??= isWhole(response) ? 'whole' : 'client-closed'
    site.changed()
  })
  site.changed()
  try {
    await answer(site, ask, { response, isGuest, signal: gone.signal })
  } catch (error) {
    // A write may fail before the close of the connection is told.
    if (gone.signal.aborted || isGone(response)) return
    site.violations.push(`the scenario failed: ${error}`)
    response.destroy()
  }
}

async function answer(
  site: Site,
  ask: AskRecord,
  { response, isGuest, signal }: Pick<Exchange, 'response' | 'isGuest' | 'signal'>,
): Promise<void> {
  const { generation } = ask
  const { project, refusal } = findProject(site, ask)
  const scenario = refusalOf(site, ask, { isGuest, ofProject: refusal }) ?? chosenScenario(site, ask)
  if (scenario.type === 'raw') return scenario.respond(response, ask)

  const { startDelayMs = 0 } = scenario
  if (startDelayMs > 0) await delay(startDelayMs, undefined, { signal })
  const stream: StreamOptions = {
    ...scenario,
    ...(generation === 'agent' ? { nextEventIndex: () => project.nextEventIndex++ } : {}),
    signal,
    onSent: (bytes) => noteSent(site, ask, bytes),
    onCut: () => {
      ask.ended = 'cut'
    },
  }
  if (scenario.type === 'failure') return sendFailure(response, scenario, { generation, project, stream })

  if (scenario.type === 'media') {
    const plan = planMedia(site, withoutToken(site, ask) ?? scenario, { ask, project })
    const events = generation === 'copilot' ? copilotMediaEvents(plan) : agentMediaEvents(plan)
    site.changed()
    return sendStream(response, events, stream)
  }
  const weaker = whyWeaker(site, ask, project)
  const servedModel = weaker === undefined ? ask.model : weakerModels[generation]
  const plan = planAnswer(scenario, { ask, project, servedModel, echo: echoAnswer(site, ask, weaker) })
  const events = generation === 'copilot' ? copilotAnswerEvents(plan) : agentAnswerEvents(plan)
  await sendStream(response, events, stream)
}

function noteSent(site: Site, ask: AskRecord, bytes: number): void {
  const isFirst = ask.bytesSent === 0
  ask.bytesSent += bytes
  if (isFirst) site.changed()
}

/** What the site answers before it would think of a model. */
function refusalOf(
  site: Site,
  ask: AskRecord,
  { isGuest, ofProject }: { isGuest: boolean; ofProject: 'empty' | 'error' | undefined },
): Scenario | undefined {
  if (isGuest) {
    return { type: 'failure', failure: ask.generation === 'copilot' ? 'F2' : 'A1' }
  }
  if (openAsks(site, ask.account) > site.maxOpenAsks) return { type: 'failure', failure: 'A7' }
  if (ofProject) return { type: 'failure', failure: ofProject === 'error' ? 'A8' : 'A15' }
  return undefined
}

function chosenScenario({ script }: Site, ask: AskRecord): Scenario {
  const scripted = typeof script === 'function' ? script(ask) : script
  return scripted ?? magicScenario(ask) ?? { type: ask.kind === 'chat' ? 'answer' : 'media' }
}
