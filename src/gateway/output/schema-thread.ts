// The program of the thread that `check-in-thread` starts: says that it is ready, takes one task and answers it.

import { parentPort } from 'node:worker_threads'
import type { ThreadAnswer, ThreadTask } from './check-in-thread.ts'
import { compileSchema } from './compile-schema.ts'
import { InvalidSchemaError } from './invalid-schema-error.ts'

parentPort?.once('message', (task: ThreadTask) => parentPort?.postMessage(answer(task)))
parentPort?.postMessage('ready')

function answer({ schema, values }: ThreadTask): ThreadAnswer {
  try {
    const check = compileSchema(schema)
    return { faults: values.map(check) }
  } catch (error) {
    if (error instanceof InvalidSchemaError) return { schemaFault: error.reason }
    throw error
  }
}
