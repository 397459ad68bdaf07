import { UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { type AskOptions, ask } from './ask.ts'
import { checkLogin } from './check-login.ts'
import { createGenerationChoice, type GenerationOptions } from './choose-generation.ts'
import { createConnections } from './open-reply.ts'
import { createRequestHeaders } from './request-headers.ts'
import type { AskInput, Upstream } from './upstream.ts'

export interface UpstreamOptions extends Omit<AskOptions, 'openReply' | 'headers'>, GenerationOptions {
  readonly logger: Pick<Logger, 'warn'>
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const connections = createConnections()
  const collaborators = {
    ...options,
    openReply: connections.openReply,
    headers: createRequestHeaders(options.baseUrl),
  }
  const generations = createGenerationChoice(options)

  return {
    generation: generations.current,
    ask: askAndLearn,
    checkLogin: (account, signal) => checkLogin(collaborators, account, signal),
    async close() {
      connections.close()
    },
  }

  /** Asks, and learns from the outcome whether the route is there. */
  async function* askAndLearn(input: AskInput) {
    try {
      for await (const batch of ask(collaborators, input)) {
        generations.found(input.generation)
        yield batch
      }
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.kind !== 'route-gone') throw error
      options.logger.warn({ generation: input.generation }, 'the route of this protocol is gone')
      throw generations.gone(input.generation, error)
    }
  }
}
