import { checkInThread } from './check-in-thread.ts'
import type { JsonSchema } from './compile-schema.ts'
import { InvalidSchemaError } from './invalid-schema-error.ts'
import { runBriefly } from './run-briefly.ts'

/** @returns what is wrong with a value, in words for the model and for people and without its values; nothing when it fits
 *  @throws {UnavailableError} `queue_full` */
export type JsonCheck = (value: unknown) => Promise<string | undefined>

/** In UTF-16 units of its JSON. */
const maxSchemaLength = 128 * 1024

/** Checks values against a client's schema, neither of them to be trusted: what is not done in a moment is left to a thread with
 *  a deadline. Nothing of it outlives the check.
 *  @throws {InvalidSchemaError} when the schema cannot be used
 *  @throws {UnavailableError} `queue_full` */
export async function createJsonCheck(schema: JsonSchema): Promise<JsonCheck> {
  if (JSON.stringify(schema).length > maxSchemaLength) {
    throw new InvalidSchemaError(`it is longer than ${maxSchemaLength} characters`)
  }
  const { compileSchema } = await import('./compile-schema.ts')
  const compiled = runBriefly(() => compileSchema(schema))?.result
  if (!compiled) await checkInThread({ schema, values: [] })

  return async (value) => {
    try {
      const checked = compiled && runBriefly(() => compiled(value))
      if (checked) return checked.result
      const [faults] = await checkInThread({ schema, values: [value] })
      return faults
    } catch (error) {
      // The stack is spent, by the check or by the way to the thread.
      if (error instanceof RangeError) return 'it is nested too deeply'
      throw error
    }
  }
}
