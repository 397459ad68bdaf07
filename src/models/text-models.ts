/** The text models of the site. Source: UPSTREAM 7.3, 9.1, 9.4 */

export interface ModelList {
  /** When the list was seen. */
  readonly date: string
  readonly ids: readonly string[]
}

/** What the agent protocol offers today, first in the catalogue. */
export const currentModels: readonly ModelList[] = [
  {
    date: '2026-09-23',
    ids: [
      ...['gpt-6', 'gpt-6-sol', 'gpt-6-luna'],
      ...['gpt-5.6', 'gpt-5.6-sol', 'gpt-5.6-terra', 'gpt-5.6-luna', 'gpt-5.5', 'gpt-5.5-pro'],
      ...['gpt-5.4', 'gpt-5.4-pro', 'gpt-5.4-mini', 'gpt-5.4-nano', 'gpt-5.2'],
      ...['gpt-5.1', 'gpt-5.1-low', 'gpt-5.1-medium', 'gpt-5.1-high', 'gpt-5', 'gpt-5-pro'],
      ...['claude-opus-5-5', 'claude-opus-5', 'claude-opus-4-8', 'claude-opus-4-7', 'claude-opus-4-6'],
      ...['claude-sonnet-5', 'claude-sonnet-4-6', 'claude-sonnet-4-5', 'claude-sonnet-4', 'claude-4-5-haiku'],
      ...['gemini-3.8-flash', 'gemini-3.7-flash', 'gemini-3.6-flash'],
      ...['gemini-3.1-pro-preview', 'gemini-3.1-flash-lite-preview', 'gemini-2.5-flash'],
      ...['GLM-5.3', 'glm-5p3', 'glm-5p3-flash-baseten', 'deep-seek-v4-flash', 'deep-seek-v4.1-flash'],
      ...['grok-4.7', 'grok-4.6', 'grok-4.5', 'kimi-k3', 'minimax-m3', 'nemotron-3-ultra'],
    ],
  },
  {
    date: '2026-09-09',
    ids: [
      ...['gpt-5.2-pro', 'gemini-3.5-flash', 'gemini-3-flash-preview'],
      ...['muse-spark-1.3', 'deepseek-v4-pro'],
    ],
  },
]

/** Names of older lists, with what the agent protocol is asked for them: it would answer a name that it does not know by
 *  a model of its own choice (UPSTREAM 5.1). The copilot protocol is asked by the name itself. */
export const olderModels: Readonly<Record<string, string>> = {
  'gpt-4o': 'gpt-5.4',
  'gpt-4.1': 'gpt-5.4',
  'gpt-5-minimal': 'gpt-5.4-nano',
  'gpt-5-high': 'gpt-5',
  'gpt-5.1-minimal': 'gpt-5.1-low',
  o1: 'gpt-5.5',
  'o1-preview': 'gpt-5.5',
  o3: 'gpt-5.5',
  'o3-pro': 'gpt-5.5-pro',
  'o3-mini-high': 'gpt-5.4-mini',
  'o4-mini-high': 'gpt-5.4-mini',
  'claude-3-5-sonnet': 'claude-sonnet-4',
  'claude-3-7-sonnet': 'claude-sonnet-4',
  'claude-3-7-sonnet-thinking': 'claude-sonnet-4',
  'claude-sonnet-4-thinking': 'claude-sonnet-4',
  'claude-opus-4': 'claude-opus-4-6',
  'claude-opus-4-1': 'claude-opus-4-6',
  'claude-opus-4-5': 'claude-opus-4-6',
  'gemini-1.5-pro': 'gemini-3.1-pro-preview',
  'gemini-1.5-flash': 'gemini-2.5-flash',
  'gemini-2.0-flash': 'gemini-2.5-flash',
  'gemini-2.5-pro': 'gemini-3.1-pro-preview',
  'gemini-3-pro-preview': 'gemini-3.1-pro-preview',
  'deep-seek-v3': 'deep-seek-v4-flash',
  'deep-seek-r1': 'deepseek-v4-pro',
  'grok-4-0709': 'grok-4.5',
  'grok-4.20-0309-reasoning': 'grok-4.5',
  'grok-4.20-0309-non-reasoning': 'grok-4.5',
  'kimi-k2-instruct': 'kimi-k3',
  'groq-kimi-k2-instruct': 'kimi-k3',
}

/** The newest list of the copilot protocol, shown after the current models. */
export const copilotModels: ModelList = {
  date: '2026-02-27',
  ids: ['claude-opus-4-5', 'gemini-2.5-pro', 'gemini-3-pro-preview', 'grok-4-0709', 'o3-pro'],
}

export const mixtureModels = {
  id: 'mixture-of-agents',
  date: '2026-09-23',
  upstreamIds: {
    copilot: ['gpt-5.1-low', 'claude-sonnet-4-5', 'gemini-3-pro-preview'],
    agent: ['gpt-5.6-luna', 'claude-sonnet-5', 'gemini-3.7-flash'],
  },
} as const
