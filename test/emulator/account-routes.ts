import type { Route } from './route.ts'

/** The JSON routes beside the asks (WIRE 4.10, 5.8), by method and path. */
export const accountRoutes: Readonly<Record<string, Route>> = {
  'GET /api/is_login': {
    takesGuests: true,
    answer: ({ account, isGuest }) => ({
      status: 0,
      message: 'success',
      data: isGuest
        ? { is_login: false }
        : { is_login: true, cogen_id: account, cogen_name: 'Canned', cogen_email: 'canned@example.com' },
    }),
  },
  'GET /api/user': {
    takesGuests: true,
    answer: ({ isGuest }) =>
      isGuest
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
  'GET /api/moa_models_config': {
    isPublic: true,
    answer({ site: { lists } }) {
      const models = lists.text.map(({ name, hidden = false }) => ({
        name,
        label: name,
        full_label: name,
        hidden,
        member_price_tier: 1,
        support_images: true,
      }))
      return lists.wrapped ? { data: { models } } : { models }
    },
  },
  'GET /api/models_config': {
    isPublic: true,
    answer: ({ site }) => ({ data: { image_models: site.lists.image } }),
  },
}
