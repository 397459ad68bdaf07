import type { ServerResponse } from 'node:http'
import type { WireGeneration } from '../../src/core/wire-generation.ts'
import { type FailureForm, failureForm } from './failures.ts'
import type { Project } from './projects.ts'
import type { FailureScenario, WireEvent } from './scenario.ts'
import { encodeJson, type StreamEvent, type StreamOptions, sendStream } from './send-stream.ts'

/** Answers an ask with a failure, in its own form or in the one that the scenario names. */
export async function sendFailure(
  response: ServerResponse,
  scenario: FailureScenario,
  { generation, project, stream }: { generation: WireGeneration; project: Project; stream: StreamOptions },
): Promise<void> {
  const form = failureForm(scenario, generation)
  const as = form.type === 'empty' ? 'event' : (scenario.as ?? defaultForms[form.type])
  if (as === 'event') {
    const options = { ...stream, status: scenario.status ?? 200, headers: scenario.headers ?? {} }
    await sendStream(response, failureEvents(form, project, generation), options)
    return
  }
  const contentType = as === 'json' ? 'application/json' : 'text/plain; charset=utf-8'
  response.writeHead(scenario.status ?? ('status' in form ? form.status : 200), {
    'Content-Type': scenario.as === undefined && form.type === 'body' ? form.contentType : contentType,
    ...scenario.headers,
  })
  response.end(as === 'json' ? encodeJson(objectOf(form), jsonOptions(scenario)) : wordsOf(form))
}

const defaultForms = { body: 'text', object: 'json', event: 'event' } as const

/** F2 is written without spaces (WIRE 4.11); so JSON bodies are compact unless the scenario says otherwise. */
const jsonOptions = (scenario: FailureScenario): FailureScenario => ({ spacing: 'compact', ...scenario })

const objectOf = (form: FailureForm): WireEvent =>
  'object' in form ? form.object : { message: wordsOf(form) }

function wordsOf(form: FailureForm): string {
  if (form.type === 'empty') return ''
  return form.type === 'body' ? form.body : form.words
}

/** A text that comes as an event is what follows `data: ` (WIRE 4.11 F1), without quotes. */
function failureEvents(form: FailureForm, project: Project, generation: WireGeneration): StreamEvent[] {
  const start = { id: project.id, type: 'project_start' }
  const finish = { id: project.id, field_name: 'status', field_value: 'FINISHED', type: 'project_field' }
  if (form.type === 'body') return [form.body]
  if (form.type === 'object') return [form.object]
  const events = form.type === 'event' ? [start, form.object] : [start]
  return generation === 'agent' ? [...events, finish] : events
}
