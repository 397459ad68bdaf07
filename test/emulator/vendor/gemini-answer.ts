import { words } from '../answer-plan.ts'
import type { WireEvent } from '../scenario.ts'
import { vendorEcho } from './openai-answer.ts'
import type { VendorAsk } from './vendor-ask.ts'
import type { VendorAnswer } from './vendor-scenario.ts'

/** Chunks as Google publishes them; no end mark but the finish reason. */
export async function* geminiEvents(ask: VendorAsk, scenario: VendorAnswer): AsyncGenerator<WireEvent> {
  const { calls = [], finishReason = 'STOP' } = scenario
  const chunk = (parts: object[], more: object = {}): WireEvent => ({
    candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
    modelVersion: ask.model,
  })
  for await (const text of scenario.thinking ?? []) yield chunk([{ text, thought: true }])
  for await (const text of scenario.chunks ?? words(scenario.text ?? vendorEcho(ask))) yield chunk([{ text }])
  if (calls.length > 0)
    yield chunk(
      calls.map(({ name, input }, index) => ({
        functionCall: { name, args: input },
        ...(index === 0 && { thoughtSignature: 'seal+of/call=' }),
      })),
    )
  if (scenario.error) return yield { error: scenario.error }
  if (scenario.withoutFinal) return
  yield { ...chunk([{ text: '' }], { finishReason }), usageMetadata: usage }
}

const usage = {
  promptTokenCount: 7,
  cachedContentTokenCount: 3,
  candidatesTokenCount: 9,
  thoughtsTokenCount: 2,
  totalTokenCount: 18,
}
