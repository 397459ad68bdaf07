import type { AskRecord } from './ask-record.ts'
import { newProject, type Project } from './projects.ts'
import type { Site } from './site.ts'

/** The project that an ask continues, or a new one for it (WIRE 4.6, 5.3).
 *  `refusal`: the ask may not continue the one that it names; a project is still given, for the empty stream. */
export function findProject(site: Site, ask: AskRecord): { project: Project; refusal?: 'empty' | 'error' } {
  const { projects, projectRefusal } = site
  const create = () => projects.create(ask.account, ask.models)
  if (ask.projectId === undefined) return { project: create() }
  const known = projects.byId.get(ask.projectId)
  const fault = !known ? 'unknown' : known.sessionId !== ask.account ? 'foreign' : resent(ask)
  const refusal = fault && projectRefusal[fault]
  if (refusal === undefined || refusal === 'accept') return { project: known ?? create() }
  return { project: newProject(ask.projectId, ask.account, ask.models), refusal }
}

/** A gen-2 thread wants the new message only; gen 1 takes any history. */
const resent = ({ generation, messages }: AskRecord): 'resentHistory' | undefined =>
  generation === 'agent' && messages.length > 1 ? 'resentHistory' : undefined
