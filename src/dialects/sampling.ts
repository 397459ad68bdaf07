import { z } from 'zod'
import type { Sampling } from '../core/chat-request.ts'

/** OpenAI's names; Anthropic's are the first two. Read for API keys: the site knows no sampling, so that
 *  a value out of range is left to whoever would have ignored it. */
export const samplingFields = {
  temperature: z.number().min(0).max(2).nullish().catch(undefined),
  top_p: z.number().min(0).max(1).nullish().catch(undefined),
  seed: z.int().nullish().catch(undefined),
  reasoning_effort: z.string().max(20).nullish().catch(undefined),
}

interface Given {
  readonly temperature?: number | null | undefined
  readonly top_p?: number | null | undefined
  readonly seed?: number | null | undefined
  readonly reasoning_effort?: string | null | undefined
  readonly thinking_tokens?: number | undefined
}

/** @returns nothing where none is given, so that a plain chat stays one */
export function samplingOf(given: Given): { readonly sampling?: Sampling } {
  const { temperature, top_p, seed, reasoning_effort, thinking_tokens } = given
  const sampling: Sampling = {
    ...(typeof temperature === 'number' && { temperature }),
    ...(typeof top_p === 'number' && { topP: top_p }),
    ...(typeof seed === 'number' && { seed }),
    ...(reasoning_effort && { effort: reasoning_effort }),
    ...(thinking_tokens !== undefined && { thinkingTokens: thinking_tokens }),
  }
  return Object.keys(sampling).length > 0 ? { sampling } : {}
}
