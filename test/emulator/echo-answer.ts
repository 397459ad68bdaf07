import { isDeepStrictEqual } from 'node:util'
import type { AskRecord } from './ask-record.ts'
import type { Project } from './projects.ts'
import type { Site } from './site.ts'

/** Who answers in place of the model asked for (WIRE 3.4, 7.5). */
export const weakerModels = { copilot: 'gpt-4o-mini', agent: 'claude-4-5-haiku' } as const

/** @returns undefined when the model asked for answers */
export function whyWeaker({ tokenCheck }: Site, ask: AskRecord, project: Project): string | undefined {
  if (tokenCheck === 'valid' && ask.token.verdict !== 'accepted') return `token ${ask.token.verdict}`
  const switched = ask.generation === 'copilot' && !isDeepStrictEqual(project.models, ask.models)
  return switched ? 'another model than this project was begun with' : undefined
}

/** Names the model that answered and the fate of the token. */
export function echoAnswer(site: Site, ask: AskRecord, weaker: string | undefined): string {
  const who = weaker === undefined ? `model ${ask.models.join(', ')}` : 'weaker model'
  const why = weaker ?? tokenWords(site, ask)
  return `[canned answer of the emulator] ${who} | ${why} | you said: ${ask.prompt}`
}

function tokenWords({ tokenCheck }: Site, { token }: AskRecord): string {
  if (token.verdict === 'accepted') return `token accepted: action ${token.action}, ${token.ageMs} ms old`
  return tokenCheck === 'off' ? 'token not checked' : `token ${token.verdict}`
}
