import type { ChatEvent, ChatEventBatch } from '../../../src/core/chat-event.ts'
import type { ToolDefinition, ToolUse } from '../../../src/core/chat-request.ts'
import { callTools } from '../../../src/gateway/stages/call-tools.ts'

export const tool = (name: string, more: Partial<ToolDefinition> = {}): ToolDefinition => ({
  name,
  description: undefined,
  parameters: { type: 'object' },
  strict: false,
  ...more,
})

export const tools = (more: Partial<ToolUse> = {}): ToolUse => ({
  definitions: [tool('read'), tool('write')],
  choice: { type: 'auto' },
  parallel: true,
  ...more,
})

/** The events of one answer that comes in these texts, each a read of its own, and then ends. */
export async function* answer(texts: Iterable<string>): AsyncGenerator<ChatEventBatch> {
  for (const text of texts) yield [{ type: 'text-delta', text }]
  yield [{ type: 'finished', reason: 'stop', servedModel: 'gpt-6' }]
}

export interface Outcome {
  /** Texts in a row are one. */
  readonly answer: readonly (string | Called)[]
  readonly finished: Extract<ChatEvent, { type: 'finished' }> | undefined
  readonly asked: readonly { readonly said: string; readonly complaint: string }[]
}

export interface Called {
  readonly id: string
  readonly name: string
  readonly arguments: unknown
}

/** Runs the stage over answers: the first, then what comes when it asks again. */
export async function run(
  answers: readonly AsyncIterable<ChatEventBatch>[],
  toolUse: ToolUse = tools(),
): Promise<Outcome> {
  const [first, ...further] = answers
  if (!first) throw new Error('no answer')
  const asked: Outcome['asked'][number][] = []
  let ids = 0
  const events: ChatEvent[] = []
  const stage = callTools(first, toolUse, {
    askAgain(said, complaint) {
      asked.push({ said, complaint })
      const next = further.shift()
      if (!next) throw new Error(`asked again: ${complaint}`)
      return Promise.resolve(next)
    },
    createCallId() {
      ids += 1
      return `call_${ids}`
    },
  })
  for await (const batch of stage) {
    if (batch.length === 0) throw new Error('an empty batch')
    events.push(...batch)
  }
  return { ...collect(events), asked }
}

export function collect(events: readonly ChatEvent[]): Omit<Outcome, 'asked'> {
  const parts: (string | { id: string; name: string; text: string })[] = []
  let finished: Outcome['finished']
  let within = false
  for (const event of events) {
    if (finished) throw new Error(`${event.type} after the end`)
    const last = parts.at(-1)
    if (event.type === 'text-delta') {
      if (typeof last === 'string') parts[parts.length - 1] = last + event.text
      else parts.push(event.text)
    } else if (event.type === 'tool-call-started') {
      parts.push({ id: event.id, name: event.name, text: '' })
    } else if (event.type === 'tool-call-delta') {
      if (!within || typeof last !== 'object') throw new Error('a delta outside a call')
      last.text += event.argumentsText
    } else if (event.type === 'finished') finished = event
    within = event.type === 'tool-call-started' || event.type === 'tool-call-delta'
  }
  return {
    answer: parts.map((part) =>
      typeof part === 'string'
        ? part
        : { id: part.id, name: part.name, arguments: JSON.parse(part.text) as unknown },
    ),
    finished,
  }
}
