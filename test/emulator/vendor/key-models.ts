import type { VendorSite } from './vendor-site.ts'

/** A text model as the catalogue of a key has it. Thousands of tokens. */
export interface KeyModel {
  readonly id: string
  readonly context: number
  readonly output: number
  /** Default: text and pictures. */
  readonly textOnly?: boolean
  readonly efforts?: readonly string[]
}

const high = ['low', 'medium', 'high']
const xhigh = [...high, 'xhigh']
const gpt = ['none', ...xhigh]

/** Source: WIRE 9.6, and of the levels WIRE 11.2. */
export const keyModels: readonly KeyModel[] = [
  { id: 'claude-opus-5', context: 1000, output: 128, efforts: xhigh },
  { id: 'claude-opus-4-6', context: 200, output: 128, efforts: high },
  { id: 'claude-sonnet-5', context: 400, output: 64, efforts: xhigh },
  { id: 'claude-sonnet-4-6', context: 200, output: 64, efforts: high },
  { id: 'claude-haiku-4-5', context: 200, output: 64, efforts: high },
  { id: 'claude-fable-5', context: 1000, output: 128, efforts: xhigh },
  { id: 'gpt-6-astra', context: 1000, output: 128, efforts: [...xhigh, 'max'] },
  { id: 'gpt-5.6-luna', context: 1000, output: 128, efforts: [...gpt, 'max'] },
  { id: 'gpt-5.6-sol', context: 1000, output: 128, efforts: [...gpt, 'max'] },
  { id: 'gpt-5.5', context: 1000, output: 128, efforts: gpt },
  { id: 'gpt-5.4', context: 1000, output: 128, efforts: gpt },
  { id: 'gpt-5.4-mini', context: 400, output: 128, efforts: gpt },
  { id: 'gpt-5.4-nano', context: 400, output: 128, efforts: gpt },
  { id: 'gpt-5.2', context: 400, output: 128, efforts: gpt },
  { id: 'gemini-3.8-flash', context: 1000, output: 66, efforts: high },
  { id: 'gemini-3.1-pro-preview', context: 1000, output: 66, efforts: high },
  { id: 'deepseek-v4-pro-0813', context: 1000, output: 128, textOnly: true, efforts: ['none', ...high] },
  { id: 'deep-seek-v4-flash', context: 1000, output: 128, textOnly: true, efforts: ['none', ...high] },
  { id: 'deep-seek-v4.1-flash', context: 1000, output: 128 },
  { id: 'kimi-k3', context: 1049, output: 33, efforts: ['low', 'high', 'max'] },
  { id: 'minimax-m3', context: 524, output: 33, efforts: ['none', 'thinking'] },
  { id: 'glm-5p3', context: 1000, output: 131, efforts: ['low', 'high', 'max'] },
  { id: 'grok-4.6', context: 200, output: 33, efforts: high },
]

export const keyModelsOf = ({ models }: VendorSite, apiKey: string): readonly KeyModel[] =>
  models.get(apiKey) ?? keyModels

const isGemini = ({ id }: KeyModel): boolean => id.startsWith('gemini')

/** The file that the vendor's command line writes for OpenCode. */
export function openCodeConfig(models: readonly KeyModel[], origin: string, apiKey: string) {
  const entries = (chosen: readonly KeyModel[]) =>
    Object.fromEntries(
      chosen.map(({ id, context, output, textOnly, efforts }) => [
        id,
        {
          name: id,
          limit: { context: context * 1000, output: output * 1000 },
          modalities: { input: textOnly ? ['text'] : ['text', 'image'], output: ['text'] },
          reasoning: efforts !== undefined,
          cost: { input: 1, output: 4 },
          ...(efforts && {
            variants: Object.fromEntries(efforts.map((effort) => [effort, { reasoningEffort: effort }])),
          }),
        },
      ]),
    )
  return {
    $schema: 'https://opencode.ai/config.json',
    provider: {
      'genspark-llm-proxy': {
        options: { baseURL: `${origin}/api/llm_proxy/v1`, apiKey },
        models: entries(models.filter((model) => !isGemini(model))),
      },
      'genspark-gemini-proxy': {
        options: { baseURL: `${origin}/api/llm_proxy/gemini/v1beta`, apiKey },
        models: entries(models.filter(isGemini)),
      },
    },
  }
}
