// The program of the thread that `check-json` starts: says that it is ready, takes one task and answers it.

import { parentPort } from 'node:worker_threads'
import type { ThreadAnswer, ThreadTask } from './check-json.ts'
import { compileSchema } from './compile-schema.ts'

parentPort?.once('message', (task: ThreadTask) => parentPort?.postMessage(answer(task)))
parentPort?.postMessage('ready')

function answer({ schema, values }: ThreadTask): ThreadAnswer {
  const compiled = compileSchema(schema)
  return 'check' in compiled ? { faults: values.map(compiled.check) } : compiled
}
