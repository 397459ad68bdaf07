import type { AskRecord } from './ask-record.ts'
import { failureIds, repeated, type Scenario } from './scenario.ts'

/** The scenario that a prompt such as `hello [[think]]` or `[[F5]]` asks for, for trying out by hand. */
export function magicScenario({ prompt, kind }: Pick<AskRecord, 'prompt' | 'kind'>): Scenario | undefined {
  const word = /\[\[(\w+)\]\]/.exec(prompt)?.[1]
  if (word === undefined) return undefined
  const failure = failureIds.find((id) => id.toLowerCase() === word.toLowerCase())
  if (failure) return { type: 'failure', failure }
  return (kind === 'chat' ? magicAnswers : magicMedia)[word.toLowerCase()]
}

/** What `--help` lists. */
export const magicAnswers: Readonly<Record<string, Scenario>> = {
  slow: { type: 'answer', firstDelayMs: 3000, chunkDelayMs: 300 },
  think: { type: 'answer', thinking: ['First I think. ', 'Then I answer.'] },
  search: { type: 'answer', search: true },
  long: { type: 'answer', chunks: repeated('word and word and word\n', 5000) },
  endless: { type: 'answer', chunks: repeated('word ', Number.POSITIVE_INFINITY), chunkDelayMs: 50 },
  silent: { type: 'answer', keepalives: Number.POSITIVE_INFINITY, keepaliveDelayMs: 1000 },
  reset: { type: 'answer', cut: { after: 'first-token', how: 'reset' } },
  cut: { type: 'answer', withoutFinal: true },
}

/** The same for pictures and videos. */
export const magicMedia: Readonly<Record<string, Scenario>> = {
  slow: { type: 'media', tasks: [{ steps: 10 }], polling: { stepDelayMs: 1000 } },
  refused: { type: 'media', tasks: [{ failure: 'canned refusal' }] },
  limit: { type: 'media', tasks: [], limit: 'reached' },
  text: { type: 'answer', text: 'Words in place of a picture.' },
}
