import type { RequestContext } from '../request-state.ts'

/** Claude Code sends `HEAD /` at its start and waits for any answer (CLIENTS rule 19). */
export function home(context: RequestContext): void {
  context.body = { name: 'genspark2api' }
}
