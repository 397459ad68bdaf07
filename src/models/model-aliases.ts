import type { WireGeneration } from '../core/wire-generation.ts'
import type { ModelKind } from './model.ts'

type Asked = Readonly<Record<WireGeneration, string>>

/** A cheap model that answers quickly, for what clients ask by themselves: titles, summaries, small tasks. */
const smallGpt: Asked = { copilot: 'gpt-5.1-low', agent: 'gpt-5.4-mini' }
const smallClaude: Asked = { copilot: 'claude-4-5-haiku', agent: 'claude-4-5-haiku' }
const smallGemini: Asked = { copilot: 'gemini-3-flash-preview', agent: 'gemini-3.1-flash-lite-preview' }

const gptImage: Asked = { copilot: 'fal-ai/gpt-image-1.5', agent: 'gpt-image-2' }

/** Names that clients use and the site never did, with what each protocol is asked. Source: DESIGN 4, CLIENTS rule 16 */
export const modelAliases: Readonly<Record<ModelKind, Readonly<Record<string, Asked>>>> = {
  text: {
    'gpt-3.5-turbo': smallGpt,
    'gpt-4.1-mini': smallGpt,
    'gpt-4.1-nano': smallGpt,
    'gpt-5-mini': smallGpt,
    'gpt-5-nano': smallGpt,
    'o3-mini': smallGpt,
    'o4-mini': smallGpt,
    'claude-3-haiku': smallClaude,
    'claude-haiku-4-5': smallClaude,
    'gemini-2.0-flash-lite': smallGemini,
    'gemini-2.5-flash-lite': smallGemini,
    'deep-seek-chat': { copilot: 'deep-seek-v3', agent: 'deep-seek-v4-flash' },
    'deep-seek-reasoner': { copilot: 'deep-seek-r1', agent: 'deepseek-v4-pro' },
  },
  image: {
    'dall-e-2': gptImage,
    'gpt-image-1-mini': gptImage,
    'gpt-image-1.5': gptImage,
    'chatgpt-image': gptImage,
  },
  video: {},
}
