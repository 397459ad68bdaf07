/** What a model takes as `reasoning_effort`, by its id, where its own catalogue does not say. Source: WIRE 11.2 */
const levels: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^gpt-6/, ['low', 'medium', 'high', 'xhigh', 'max']],
  [/^gpt-5\.6/, ['none', 'low', 'medium', 'high', 'xhigh', 'max']],
  [/^gpt-5\.[245]/, ['none', 'low', 'medium', 'high', 'xhigh']],
  [/^(?:gpt-5|o\d)/, ['minimal', 'low', 'medium', 'high']],
  [/^gemini-3[.\d]*-flash(?!-lite)|^gemini-3\.1-pro/, ['low', 'medium', 'high']],
  [/^gemini-3/, ['minimal', 'low', 'medium', 'high']],
  [/^(?:glm-5|kimi-k3)/, ['low', 'high', 'max']],
  [/^deep-?seek-v4/, ['none', 'low', 'medium', 'high']],
  [/^minimax-m3/, ['none', 'thinking']],
  [/^(?:grok-4\.5|claude)/, ['low', 'medium', 'high']],
]

/** From none to most. */
const order = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/** The nearest level that the model has to the one asked for; of two the greater. @returns undefined for a model without any */
export function nearestLevel(
  model: string,
  effort: string,
  known: readonly string[] | undefined = levels.find(([pattern]) => pattern.test(model))?.[1],
): string | undefined {
  if (!known || known.length === 0 || known.includes(effort)) return known?.length ? effort : undefined
  const wanted = order.indexOf(effort)
  if (wanted === -1) return undefined
  if (known.includes('thinking')) return wanted === 0 ? 'none' : 'thinking'
  const distance = (level: string) => Math.abs(order.indexOf(level) - wanted)
  return known.toReversed().reduce((best, level) => (distance(level) < distance(best) ? level : best))
}

/** What is asked in the place of the effort that was wanted. @returns undefined where nothing is lost */
export function tellOtherLevel(
  { id, efforts }: { readonly id: string; readonly efforts?: readonly string[] },
  effort: string | undefined,
): string | undefined {
  if (effort === undefined) return undefined
  const level = nearestLevel(id, effort, efforts)
  if (level === effort) return undefined
  return level === undefined
    ? `reasoning effort is not used: ${id} has no levels of it`
    : `reasoning effort ${effort.slice(0, 20)} is not one of ${id}: ${level} is asked for`
}

/** The vendor refuses `temperature` for these. Source: WIRE 11.2 */
export const takesTemperature = (model: string): boolean =>
  !/^(?:kimi-k3|gpt-5\S*|gpt-6\S*|o1\b|o3\b|o4-mini)/.test(model)
