import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { isUnchecked } from './unchecked-patterns.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

export type CompiledSchema =
  /** @returns the faults of a value in words; nothing when it fits */
  | { readonly check: (value: unknown) => string | undefined }
  /** Why the schema cannot be used. */
  | { readonly schemaFault: string }

/** Takes about one ms a KB, and with some schemas for ever, as may the checks: call both where time is bounded, and the
 *  `warmUpSteps` before. Import this file only when there is a schema, since Ajv takes 30 ms to load. */
export function compileSchema(schema: JsonSchema): CompiledSchema {
  const { Compiler, isSchema } = isOldDraft(schema) ? draft7 : draft2020
  const isValid = isSchema()
  if (!isValid(schema)) return { schemaFault: describeFaults(isValid.errors ?? []) }
  try {
    // One compiler a schema, so that none knows the `$id` of another.
    const validate = addFormats.default(new Compiler(options)).compile(schema)
    // Such a check answers with a promise, which is neither yes nor no.
    if ('$async' in validate) return { schemaFault: '"$async" is not allowed' }
    return { check: (value) => (validate(value) ? undefined : describeFaults(validate.errors ?? [])) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { schemaFault: error.message }
  }
}

const isOldDraft = ({ $schema }: JsonSchema): boolean =>
  typeof $schema === 'string' && /\bdraft-0[3-7]\b/.test($schema)

const draft7 = createDraft(Ajv, ['http://json-schema.org/draft-07/schema'])
const draft2020 = createDraft(Ajv2020, [
  ...['core', 'applicator', 'unevaluated', 'validation', 'meta-data', 'format-annotation', 'content'].map(
    (vocabulary) => `https://json-schema.org/draft/2020-12/meta/${vocabulary}`,
  ),
  'https://json-schema.org/draft/2020-12/schema',
])

/** Compiles the schemas of schemas, each in a step of its own: all at once they hold up the process for 60 ms. They must
 *  not be left to the first `compileSchema`, which may be interrupted: that would spoil them for all others. */
export const warmUpSteps: readonly (() => void)[] = [...draft2020.steps, ...draft7.steps]

/** @param ids  of the schema of schemas, last, and of its parts */
function createDraft(Compiler: typeof Ajv, ids: readonly string[]) {
  let ajv: Ajv | undefined
  const get = (id: string): ValidateFunction => {
    ajv ??= new Compiler({ logger: false })
    const validate = ajv.getSchema(id)
    if (!validate) throw new Error(`no meta-schema ${id}`)
    return validate as ValidateFunction
  }
  return {
    Compiler,
    isSchema: () => get(ids.at(-1) ?? ''),
    steps: ids.map((id) => () => void get(id)),
  }
}

const options: Options = {
  // Unknown keywords and formats are annotations, as the specification has it.
  strict: false,
  logger: false,
  allErrors: true,
  ownProperties: true,
  // Schemas are validated before, by a compiler that is kept.
  meta: false,
  validateSchema: false,
  // Compiling takes four times as long with these.
  inlineRefs: false,
  code: { optimize: false, regExp: Object.assign(parsePattern, { code: 'new RegExp' }) },
}

/** Clients write patterns of both kinds: `\p{L}` needs the flag `u`, and `\_` is an error under it. */
function parsePattern(pattern: string, flags: string): RegExp {
  if (isUnchecked(pattern)) return anything
  try {
    return new RegExp(pattern, flags)
  } catch {
    return new RegExp(pattern)
  }
}

const anything = /(?:)/

const maxFaults = 8
/** In UTF-16 units, of one fault: names and patterns may be long. */
const maxFaultLength = 300

/** Says where a value breaks its schema and how, one fault after the other. Quotes the schema and names of fields, never a
 *  value. */
function describeFaults(errors: readonly ErrorObject[]): string {
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

/** What is needed to mend the fault and missing from Ajv's message. */
const detailOf = (params: Readonly<Record<string, unknown>>): unknown =>
  params.additionalProperty ??
  params.unevaluatedProperty ??
  params.propertyName ??
  params.allowedValues ??
  params.allowedValue

const shorten = (text: string): string =>
  text.length > maxFaultLength ? `${text.slice(0, maxFaultLength)}...` : text
