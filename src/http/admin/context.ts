import type { RequestContext } from '../request-state.ts'

/** What the router adds for paths with an `:id`. */
export type AdminContext = RequestContext & { readonly params: { readonly id?: string } }
