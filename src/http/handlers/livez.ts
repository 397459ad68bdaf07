import type { RequestContext } from '../request-state.ts'

/** The process answers: nothing else is asked, so that a sick dependency does not get it killed. */
export function livez(context: RequestContext): void {
  context.body = { live: true }
}
