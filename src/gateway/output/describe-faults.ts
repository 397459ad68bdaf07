import type { ErrorObject } from 'ajv'

const maxFaults = 8
/** In UTF-16 units, of one fault: names and patterns may be long. */
const maxFaultLength = 300

/** Tells where a value breaks its schema and how, one fault after the other. Quotes the schema and names of fields, never a
 *  value. */
export function describeFaults(errors: readonly ErrorObject[]): string {
  const faults = new Set<string>()
  for (const error of errors) {
    if (faults.size === maxFaults) break
    faults.add(describeFault(error))
  }
  const more = errors.length > maxFaults ? [`and more (${errors.length} in all)`] : []
  return [...faults, ...more].join('; ')
}

function describeFault({ instancePath, message, params }: ErrorObject): string {
  const place = instancePath ? `at ${instancePath}` : 'at the top'
  const detail = detailOf(params)
  return shorten(
    `${place}: ${message ?? 'is not valid'}${detail === undefined ? '' : `: ${shorten(JSON.stringify(detail))}`}`,
  )
}

/** What Ajv leaves out of its message though nobody can mend the fault without it. */
const detailOf = (params: Readonly<Record<string, unknown>>): unknown =>
  params.additionalProperty ??
  params.unevaluatedProperty ??
  params.propertyName ??
  params.allowedValues ??
  params.allowedValue

const shorten = (text: string): string =>
  text.length > maxFaultLength ? `${text.slice(0, maxFaultLength)}...` : text
