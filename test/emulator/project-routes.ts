import { z } from 'zod'
import { parseBody } from './ask-shape.ts'
import type { Project } from './projects.ts'
import { defaultQuota } from './quotas.ts'
import { readJsonBody } from './read-body.ts'
import type { Exchange, Route } from './route.ts'

/** WIRE 4.10, 5.8 */
export const projectRoutes: Readonly<Record<string, Route>> = {
  'POST /api/project/create': { needsLogin: true, answer: create },
  'POST /api/project/update': { needsLogin: true, answer: update },
  'GET /api/project/delete': {
    answer(exchange) {
      const project = ownProject(exchange, exchange.url.searchParams.get('project_id') ?? '')
      if (!project) return notFound
      exchange.site.projects.delete(project.id)
      return { status: 0, message: 'success' }
    },
  },
}

const notFound = { status: -1, message: 'project not found' }

function ownProject({ site, account }: Exchange, id: string): Project | undefined {
  const project = site.projects.byId.get(id)
  return project?.sessionId === account ? project : undefined
}

const sessionState = z.strictObject({ steps: z.array(z.unknown()), messages: z.array(z.unknown()) })

const createBody = z.union([
  z.strictObject({ article: z.string() }),
  z.strictObject({
    session_state: sessionState,
    name: z.string(),
    type: z.enum(['ai_chat', 'super_agent_sandbox']).optional(),
  }),
])

async function create({ site, request, account }: Exchange): Promise<unknown> {
  const body = parseBody(createBody, await readJsonBody(request))
  const { remaining } = site.quotas.get(account) ?? defaultQuota
  if (remaining <= 0) return { status: -8, message: "You've run out of credits. Please upgrade your plan." }
  const project = site.projects.create(account, [])
  if ('name' in body) project.name = body.name
  return { status: 0, data: { id: project.id } }
}

const updateBody = z.strictObject({
  id: z.guid(),
  name: z.string().optional(),
  session_state: sessionState.partial().optional(),
  request_not_update_permission: z.literal(true),
})

async function update(exchange: Exchange): Promise<unknown> {
  const { id, name, session_state } = parseBody(updateBody, await readJsonBody(exchange.request))
  const project = ownProject(exchange, id)
  if (!project) return notFound
  project.name = name ?? project.name
  project.messages = session_state?.messages ?? project.messages
  return { status: 0, data: { name: project.name, session_state: { messages: project.messages } } }
}
