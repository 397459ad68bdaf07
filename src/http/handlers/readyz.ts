import type { AppServices } from '../app-services.ts'
import type { RequestContext } from '../request-state.ts'

/** 200 or 503, and each part by name. */
export function createReadyzHandler({ readiness }: Pick<AppServices, 'readiness'>) {
  return async (context: RequestContext): Promise<void> => {
    const answer = await readiness()
    context.status = answer.ready ? 200 : 503
    context.body = answer
  }
}
