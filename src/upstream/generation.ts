import type { ChatPrompt } from '../core/chat-request.ts'
import type { Clock } from '../core/clock.ts'
import { UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { MediaRequest } from '../core/media-request.ts'
import { otherGeneration, type WireGeneration } from '../core/wire-generation.ts'
import { createAgentDecoder } from './agent/decode.ts'
import { encodeAgentMediaRequest, encodeAgentRequest } from './agent/encode.ts'
import type { DecodeEvent } from './answer.ts'
import type { RouteUse } from './ask-stream.ts'
import { createCopilotDecoder } from './copilot/decode.ts'
import { encodeCopilotMediaRequest, encodeCopilotRequest } from './copilot/encode.ts'
import type { EncodeOptions } from './encode-parts.ts'

/** What differs between the generations. */
export interface Wire {
  readonly path: string
  encodeRequest(request: ChatPrompt, options: EncodeOptions): object
  encodeMediaRequest(request: MediaRequest, options: EncodeOptions): object
  /** @param search  a search answer was asked for */
  createDecoder(search: boolean): DecodeEvent
}

export const wires: Readonly<Record<WireGeneration, Wire>> = {
  copilot: {
    path: '/api/copilot/ask',
    encodeRequest: encodeCopilotRequest,
    encodeMediaRequest: encodeCopilotMediaRequest,
    createDecoder: createCopilotDecoder,
  },
  agent: {
    path: '/api/agent/ask_proxy',
    encodeRequest: encodeAgentRequest,
    encodeMediaRequest: encodeAgentMediaRequest,
    createDecoder: createAgentDecoder,
  },
}

/** How long a finding of GENSPARK_PROTOCOL=auto counts. */
const rememberMs = 60 * 60 * 1000

export interface GenerationOptions {
  readonly protocol: WireGeneration | 'auto'
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'>
}

/** Which wire generation to ask: the configured one, or the one that `auto` has not found gone. */
export function createGenerationChoice({ protocol, clock, logger }: GenerationOptions) {
  const goneUntilMs: Record<WireGeneration, number> = { copilot: 0, agent: 0 }
  const isGone = (generation: WireGeneration) => clock.now() < goneUntilMs[generation]

  return {
    current(): WireGeneration {
      if (protocol !== 'auto') return protocol
      return isGone('agent') && !isGone('copilot') ? 'copilot' : 'agent'
    },

    /** An ask begins. An answer proves an earlier finding wrong, but not one made while it was on its way. */
    use(generation: WireGeneration): RouteUse {
      const known = goneUntilMs[generation]
      return {
        answered() {
          if (goneUntilMs[generation] === known) goneUntilMs[generation] = 0
        },
        failed: (error) =>
          error instanceof UpstreamError && error.kind === 'route-gone' ? gone(generation, error) : error,
      }
    },
  }

  /** @returns what to throw: `route-gone` when there is another to ask, else `unavailable` */
  function gone(generation: WireGeneration, cause: UpstreamError): UpstreamError {
    logger.warn({ generation }, 'the route of this protocol is gone')
    if (protocol !== 'auto')
      return unavailable(`the ${generation} protocol`, 'auto or the other protocol', cause)
    goneUntilMs[generation] = clock.now() + rememberMs
    return isGone(otherGeneration(generation))
      ? unavailable('either protocol', 'a protocol that it answers, or update this service', cause)
      : cause
  }
}

function unavailable(what: string, remedy: string, cause: UpstreamError): UpstreamError {
  return new UpstreamError('unavailable', {
    message: `Genspark no longer answers ${what}: its route is gone. Set GENSPARK_PROTOCOL to ${remedy}.`,
    cause,
  })
}
