import type { ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import type { OutputFormat } from '../../core/chat-request.ts'
import { UpstreamError } from '../../core/errors.ts'
import { createJsonCheck, type JsonCheck } from './check-json.ts'
import { findJson } from './find-json.ts'
import { nothingElse } from './render-prompt.ts'
import { type AskAgain, withoutUsage } from './stage.ts'

const maxRepairs = 1

/** Gives an answer the form that was asked for: its text is held until it is whole, JSON is taken out of it and checked, and the
 *  model is told once what does not fit. Then the JSON is sent, or a refusal. Answers with calls and those that were cut short
 *  pass unchanged.
 *  @throws whatever an answer breaks with, also the second */
export async function* formOutput(
  events: AsyncIterable<ChatEventBatch>,
  format: OutputFormat,
  { askAgain }: { readonly askAgain: AskAgain },
): AsyncGenerator<ChatEventBatch> {
  let answer = yield* holdText(events, { isRepair: false })
  if (!answer) return
  const check = await createCheck(format)
  for (let repairs = 0; answer; repairs += 1) {
    const formed = await formText(answer.text, check)
    if (formed.json !== undefined) {
      yield [{ type: 'text-delta', text: formed.json }, answer.finished]
      return
    }
    if (repairs === maxRepairs) {
      yield [refuse(formed.faults), answer.finished]
      return
    }
    const again = await askAgain(answer.text, complain(formed.faults))
    answer = yield* holdText(again, { isRepair: true })
  }
}

async function createCheck(format: OutputFormat): Promise<JsonCheck> {
  return format.type === 'json-schema' ? await createJsonCheck(format.schema) : checkObject
}

const checkObject: JsonCheck = async (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? undefined
    : 'at the top: must be object'

type FormedText = { readonly json: string } | { readonly json?: never; readonly faults: string }

/** Of several values in the text the first one that fits counts, or else the faults of the likeliest. */
async function formText(said: string, check: JsonCheck): Promise<FormedText> {
  let faults: string | undefined
  for (const { text, value } of findJson(said)) {
    const found = await check(value)
    if (found === undefined) return { json: text }
    faults ??= found
  }
  return { faults: faults ?? 'it is not valid JSON' }
}

const complain = (faults: string): string =>
  `Your answer does not have the form that was asked for: ${faults}. Answer again with the JSON put right. ${nothingElse}`

const refuse = (faults: string): ChatEvent => ({
  type: 'refusal',
  text: `The model gave no answer in the form that was asked for, not even when told what was wrong with it: ${faults}.`,
})

interface HeldAnswer {
  readonly text: string
  readonly finished: Extract<ChatEvent, { type: 'finished' }>
}

/** In UTF-16 units; more than any model says in one answer. */
const maxTextLength = 1024 * 1024

/** Holds the text of an answer and lets everything else pass at once. In an answer that has a call or is cut short, what was held
 *  goes out after all.
 *  @returns nothing when it passed, or broke off without an end
 *  @throws {UpstreamError} `malformed` when the text is longer than can be held */
async function* holdText(
  events: AsyncIterable<ChatEventBatch>,
  { isRepair }: { readonly isRepair: boolean },
): AsyncGenerator<ChatEventBatch, HeldAnswer | undefined> {
  let text = ''
  let passes = false
  let finished: HeldAnswer['finished'] | undefined

  // Read on after `finished`: an answer closed before its end does not count as a success of its account.
  for await (const batch of events) {
    const passed: ChatEvent[] = []
    for (const given of batch) {
      const event = isRepair && given.type === 'finished' ? withoutUsage(given) : given
      if (!passes && passesWith(event)) {
        passes = true
        if (text) passed.push({ type: 'text-delta', text })
      }
      if (passes) passed.push(event)
      else if (event.type === 'text-delta') text += event.text
      else if (event.type === 'finished') finished = event
      else passed.push(event)
    }
    if (passed.length > 0) yield passed
    if (!passes && text.length > maxTextLength) throw new UpstreamError('malformed', { message: tooLong })
  }
  return finished && { text, finished }
}

const tooLong = `The answer is longer than ${maxTextLength} characters, too long to be brought into a form.`

const passesWith = (event: ChatEvent): boolean =>
  event.type === 'tool-call-started' || (event.type === 'finished' && event.reason !== 'stop')
