import { Ajv, type Options, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describeFaults } from './describe-faults.ts'
import { InvalidSchemaError } from './invalid-schema-error.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** @returns the faults in words; nothing when the value fits */
export type CompiledSchema = (value: unknown) => string | undefined

/** Takes one or two ms a KB, and with some schemas for ever, as may the checks: call both where time is bounded. Import this
 *  file only when there is a schema, since Ajv takes 75 ms to load.
 *  @throws {InvalidSchemaError} */
export function compileSchema(schema: JsonSchema): CompiledSchema {
  const { Compiler, isSchema } = isOldDraft(schema) ? draft7 : draft2020
  if (!isSchema(schema)) throw new InvalidSchemaError(describeFaults(isSchema.errors ?? []))
  // One compiler a schema: none outlives its request or meets the `$id` of another.
  const validate = compile(addFormats.default(new Compiler(options)), schema)
  return (value) => (validate(value) ? undefined : describeFaults(validate.errors ?? []))
}

const isOldDraft = ({ $schema }: JsonSchema): boolean =>
  typeof $schema === 'string' && /\bdraft-0[3-7]\b/.test($schema)

const draft7 = {
  Compiler: Ajv,
  isSchema: metaCheck(new Ajv({ logger: false }), 'http://json-schema.org/draft-07/schema'),
}
const draft2020 = {
  Compiler: Ajv2020,
  isSchema: metaCheck(new Ajv2020({ logger: false }), 'https://json-schema.org/draft/2020-12/schema'),
}

/** Compiled here and now: an interrupted first use would spoil it for all. */
function metaCheck(ajv: Ajv, id: string): ValidateFunction {
  const check = ajv.getSchema(id)
  if (!check) throw new Error(`no meta-schema ${id}`)
  return check as ValidateFunction
}

const options: Options = {
  // Keywords and formats that Ajv does not know are notes, as the specification has it.
  strict: false,
  logger: false,
  allErrors: true,
  ownProperties: true,
  // Done before, by a compiler that is kept.
  meta: false,
  validateSchema: false,
  // Compiling takes four times as long with these.
  inlineRefs: false,
  code: { optimize: false, regExp: Object.assign(parsePattern, { code: 'new RegExp' }) },
}

/** Clients write patterns of both kinds: `\p{L}` needs the flag `u`, and `\_` is an error under it. */
function parsePattern(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags)
  } catch {
    return new RegExp(pattern)
  }
}

function compile(ajv: Ajv, schema: JsonSchema): ValidateFunction {
  try {
    const validate = ajv.compile(schema)
    // Such a check answers with a promise, which is neither yes nor no.
    if (!('$async' in validate)) return validate
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw new InvalidSchemaError(cause.message, { cause })
  }
  throw new InvalidSchemaError('"$async" is not allowed')
}
