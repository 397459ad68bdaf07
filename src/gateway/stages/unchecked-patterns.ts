import type { ChatRequest } from '../../core/chat-request.ts'

/** A pattern of another language than JavaScript's (`\A`, `(?i)`, `(?P<name>`): the model is told of it, and its answer is not held to
 *  it, since here it would be refused or mean something else. */
export function isUnchecked(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u')
    return false
  } catch {
    return foreign.test(pattern)
  }
}

/** Names the patterns that the answer to a request will not be held to, in words for its client. Of tools only those of strict ones
 *  would be checked at all. */
export function tellUncheckedPatterns({
  tools,
  output,
}: Pick<ChatRequest, 'tools' | 'output'>): readonly string[] {
  const found = new Set<string>()
  if (output?.type === 'json-schema') collect(output.schema, found)
  for (const { strict, parameters } of tools?.definitions ?? []) if (strict) collect(parameters, found)
  return found.size === 0
    ? []
    : [
        `told to the model and not checked, since JavaScript has no such patterns: ${[...found].map((pattern) => pattern.slice(0, 60)).join(' and ')}`,
      ]
}

const maxFound = 3
const maxVisited = 10_000

function collect(schema: unknown, found: Set<string>): void {
  const open: unknown[] = [schema]
  for (let visited = 0; open.length > 0 && visited < maxVisited && found.size < maxFound; visited += 1) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null) continue
    if (!Array.isArray(value)) {
      const { pattern, patternProperties }: Readonly<Record<string, unknown>> = { ...value }
      const names = typeof patternProperties === 'object' ? Object.keys(patternProperties ?? {}) : []
      for (const each of [pattern, ...names])
        if (typeof each === 'string' && isUnchecked(each)) found.add(each)
    }
    open.push(...Object.values(value))
  }
}

/** What other languages know and JavaScript does not, or reads otherwise without the flag `u`: escapes of letters, classes by
 *  name, a count without its least, flags and groups of other kinds, counts that give nothing back. */
const foreign =
  /(?<!\\)(?:\\\\)*(?:\\(?:[aeghijlmoqyzA-CE-RT-VX-Z]|p|k|x(?![\da-fA-F]{2})|u(?![\da-fA-F]{4}))|\[\[:|\{,\d|\(\?(?:[a-zA-Z-]+[):]|P[<=>]|[>#|R&'\d])|[*+?}]\+)/
