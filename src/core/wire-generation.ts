/** The two protocols of the site: gen 1 `copilot/ask`, gen 2 `agent/ask_proxy` (WIRE 4 and 5). */
export const wireGenerations = ['copilot', 'agent'] as const
export type WireGeneration = (typeof wireGenerations)[number]

export const otherGeneration = (generation: WireGeneration): WireGeneration =>
  generation === 'agent' ? 'copilot' : 'agent'
