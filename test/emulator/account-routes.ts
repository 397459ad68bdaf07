import type { Site } from './site.ts'

export interface AccountRoute {
  /** Asked without a session. */
  readonly isPublic?: boolean
  readonly answer: (site: Site, asked: { url: URL; sessionId: string }) => unknown
}

/** The JSON routes beside the asks (UPSTREAM 4.10, 5.8), by method and path. */
export const accountRoutes: Readonly<Record<string, AccountRoute>> = {
  'GET /api/is_login': {
    answer: (site, { sessionId }) => ({
      status: 0,
      message: 'success',
      data: site.signedOut.has(sessionId)
        ? { is_login: false }
        : { is_login: true, cogen_id: sessionId, cogen_name: 'Canned', cogen_email: 'canned@example.com' },
    }),
  },
  'GET /api/user': {
    answer: (site, { sessionId }) =>
      site.signedOut.has(sessionId)
        ? { status: -5, message: 'user not found' }
        : {
            status: 0,
            data: {
              cogen: {
                email: 'canned@example.com',
                name: 'Canned',
                plan: 'free',
                personal_membership_ext: { status: 'inactive' },
              },
            },
          },
  },
  'GET /api/project/delete': {
    answer: (site, { url, sessionId }) => {
      const id = url.searchParams.get('project_id') ?? ''
      const project = site.projects.byId.get(id)
      if (project?.sessionId !== sessionId) return { status: -1, message: 'project not found' }
      site.projects.delete(id)
      return { status: 0, message: 'success' }
    },
  },
  'GET /api/moa_models_config': {
    isPublic: true,
    answer: () => ({
      models: textModels.map((name) => ({
        name,
        label: name,
        full_label: name,
        hidden: false,
        member_price_tier: 1,
        support_images: true,
      })),
    }),
  },
  'GET /api/models_config': {
    isPublic: true,
    answer: () => ({ data: { image_models: imageModels.map((name) => ({ name })) } }),
  },
}

/** A part of UPSTREAM 9.4 and 9.5. */
const textModels = [
  'claude-opus-5',
  'claude-sonnet-5',
  'claude-4-5-haiku',
  'gpt-5.5',
  'gpt-5.4-mini',
  'grok-4.6',
]
const imageModels = ['gpt-image-2', 'gpt-image-2.5', 'nano-banana-2']
