import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ChatRequest } from '../../core/chat-request.ts'
import { InvalidRequestError } from '../../core/errors.ts'
import { createJsonCheck } from './check-json.ts'
import type { JsonSchema } from './compile-schema.ts'
import { InvalidSchemaError } from './invalid-schema-error.ts'

/** Tries every schema that the answer will be held to, before anything is asked. Of tools those are the strict ones: the others
 *  are only shown to the model.
 *  @throws {InvalidRequestError} `invalid_value`
 *  @throws {UnavailableError} `queue_full` */
export async function checkSchemas({ tools, output }: Pick<ChatRequest, 'tools' | 'output'>): Promise<void> {
  if (output?.type === 'json-schema') {
    await checkSchema(output.schema, `The schema "${output.name}" of the answer`, 'response_format')
  }
  for (const { name, parameters, strict } of tools?.definitions ?? []) {
    if (!strict) continue
    await checkSchema(parameters, `The schema of the tool "${name}"`, 'tools')
    await nextTurn()
  }
}

async function checkSchema(schema: JsonSchema, what: string, param: string): Promise<void> {
  try {
    await createJsonCheck(schema)
  } catch (error) {
    if (!(error instanceof InvalidSchemaError)) throw error
    throw new InvalidRequestError('invalid_value', {
      message: `${what} cannot be used: ${error.reason}.`,
      param,
      cause: error,
    })
  }
}
