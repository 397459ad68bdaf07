import type { ChatModel } from '../core/chat-request.ts'

/** The variant of a model that thinks as long as was asked for. What is no word for it is none.
 *  @returns undefined where the site lists no variants of the model */
export function effortVariant(model: ChatModel, effort: string | undefined): ChatModel | undefined {
  const { variants } = model
  if (effort === undefined || !variants) return undefined
  if (effort === 'medium') return model
  const level = levels.get(effort)
  const upstreamIds = level && variants[level]
  return upstreamIds && { ...model, upstreamIds }
}

const levels = new Map<string, 'low' | 'high'>([
  ['none', 'low'],
  ['minimal', 'low'],
  ['low', 'low'],
  ['high', 'high'],
  ['xhigh', 'high'],
  ['max', 'high'],
])
