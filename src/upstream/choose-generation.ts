import type { Clock } from '../core/clock.ts'
import { UpstreamError } from '../core/errors.ts'
import { otherGeneration, type WireGeneration } from '../core/wire-generation.ts'

/** How long a finding of `auto` counts. Source: DESIGN 2, GENSPARK_PROTOCOL */
const rememberMs = 60 * 60 * 1000

export interface GenerationOptions {
  readonly protocol: WireGeneration | 'auto'
  readonly clock: Clock
}

/** Which wire generation to ask: the configured one, or the one that `auto` has not found gone. */
export function createGenerationChoice({ protocol, clock }: GenerationOptions) {
  const goneUntilMs: Record<WireGeneration, number> = { copilot: 0, agent: 0 }
  const isGone = (generation: WireGeneration) => clock.now() < goneUntilMs[generation]

  return {
    current(): WireGeneration {
      if (protocol !== 'auto') return protocol
      return isGone('agent') && !isGone('copilot') ? 'copilot' : 'agent'
    },

    /** An ask begins. @returns to be called when the route has answered it: that proves an earlier finding wrong, but not one
     *  made while the answer was on its way */
    asking(generation: WireGeneration): () => void {
      const known = goneUntilMs[generation]
      return () => {
        if (goneUntilMs[generation] === known) goneUntilMs[generation] = 0
      }
    },

    /** The route is gone. @returns what to throw: `route-gone` when there is another to ask, else `unavailable` */
    gone(generation: WireGeneration, cause: UpstreamError): UpstreamError {
      if (protocol !== 'auto')
        return unavailable(`the ${generation} protocol`, 'auto or the other protocol', cause)
      goneUntilMs[generation] = clock.now() + rememberMs
      return isGone(otherGeneration(generation))
        ? unavailable('either protocol', 'a protocol that it answers, or update this service', cause)
        : cause
    },
  }
}

function unavailable(what: string, remedy: string, cause: UpstreamError): UpstreamError {
  return new UpstreamError('unavailable', {
    message: `Genspark no longer answers ${what}: its route is gone. Set GENSPARK_PROTOCOL to ${remedy}.`,
    cause,
  })
}
