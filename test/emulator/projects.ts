import { randomUUID } from 'node:crypto'

/** A chat kept by the site. It belongs to the account that made it. */
export interface Project {
  readonly id: string
  /** The first one of its account. */
  readonly sessionId: string
  /** The models that it was begun with; gen 1 weakens a chat that switches (WIRE 7.5). */
  readonly models: readonly string[]
  /** Gen 2: index of the next event. */
  nextEventIndex: number
  name: string
  /** As last written by `project/update`. */
  messages: readonly unknown[]
}

/** One that no one keeps. */
export const newProject = (id: string, sessionId: string, models: readonly string[]): Project => ({
  id,
  sessionId,
  models,
  nextEventIndex: 0,
  name: '',
  messages: [],
})

export function createProjects() {
  const byId = new Map<string, Project>()
  return {
    byId,
    create(sessionId: string, models: readonly string[]): Project {
      const project = newProject(randomUUID(), sessionId, models)
      byId.set(project.id, project)
      return project
    },
    delete: (id: string) => void byId.delete(id),
  }
}
