import type { OutputFormat } from '../../core/chat-request.ts'

/** Tells a model in words what form its answer must have. */
export function describeOutput(format: OutputFormat): string {
  if (format.type === 'json-object') return `Answer with one JSON object. ${nothingElse}`
  const { name, description, schema } = format
  return [
    `Answer with one JSON value, "${name}". ${nothingElse}`,
    ...(description ? [description] : []),
    'It must fit this JSON Schema:',
    JSON.stringify(schema),
  ].join('\n')
}

export const nothingElse = 'Write nothing else: no words before or after it, no code fence.'
