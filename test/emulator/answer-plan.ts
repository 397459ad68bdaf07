import { randomUUID } from 'node:crypto'
import type { AskRecord } from './ask-record.ts'
import type { Project } from './projects.ts'
import type { AnswerScenario, Chunks } from './scenario.ts'

/** An answer with everything decided, for the event makers of both generations. */
export interface AnswerPlan {
  readonly scenario: AnswerScenario
  readonly ask: AskRecord
  readonly project: Project
  readonly messageId: string
  readonly chunks: Chunks
  /** What the closing events repeat. */
  readonly closingText: string
  readonly servedModel: string
  readonly search: boolean
  readonly title: string
}

export interface AnswerContext {
  readonly ask: AskRecord
  readonly project: Project
  /** Whoever answers, given the ask's token. */
  readonly servedModel: string
  /** The text when the scenario has none. */
  readonly echo: string
}

export function planAnswer(
  scenario: AnswerScenario,
  { ask, project, servedModel, echo }: AnswerContext,
): AnswerPlan {
  const chunks = scenario.chunks ?? words(scenario.text ?? echo)
  return {
    scenario,
    ask,
    project,
    messageId: randomUUID(),
    chunks,
    closingText: scenario.closing === 'empty' || !isArray(chunks) ? '' : chunks.join(''),
    servedModel: scenario.servedModel ?? servedModel,
    search: scenario.search ?? ask.search,
    title: scenario.title ?? 'Greeting',
  }
}

/** One piece a word, with the white space before it. */
export const words = (text: string): string[] => text.match(/\s*\S+|\s+/g) ?? []

const isArray = (chunks: Chunks): chunks is readonly string[] & Chunks => Array.isArray(chunks)
