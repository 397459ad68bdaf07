import type { ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import type { OutputFormat } from '../../core/chat-request.ts'
import type { AskAgain } from '../repair.ts'
import { createJsonCheck, type JsonCheck } from './check-json.ts'
import { nothingElse } from './describe-output.ts'
import { findJson } from './find-json.ts'
import { holdText } from './hold-text.ts'

const maxRepairs = 1

/** Gives an answer the form that was asked for: its text is held until it is whole, JSON is taken out of it and checked, and the
 *  model is told once what does not fit. Then the JSON is sent, or a refusal. Answers with calls and those that were cut short
 *  pass as they are.
 *  @throws whatever an answer breaks with, also the second */
export async function* formOutput(
  events: AsyncIterable<ChatEventBatch>,
  format: OutputFormat,
  { askAgain }: { readonly askAgain: AskAgain },
): AsyncGenerator<ChatEventBatch> {
  let answer = yield* holdText(events)
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
    answer = yield* holdText(await askAgain(answer.text, complain(formed.faults)))
  }
}

const createCheck = (format: OutputFormat): Promise<JsonCheck> =>
  createJsonCheck(format.type === 'json-schema' ? format.schema : { type: 'object' })

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
