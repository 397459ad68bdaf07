import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { JsonSchema } from './compile-schema.ts'
import { createQueue } from './create-queue.ts'
import { InvalidSchemaError } from './invalid-schema-error.ts'

export interface ThreadTask {
  readonly schema: JsonSchema
  /** None where only the schema is in question. */
  readonly values: readonly unknown[]
}

export type ThreadAnswer =
  | { readonly faults: readonly (string | undefined)[] }
  | { readonly schemaFault: string }

const startMs = 10_000
const deadlineMs = 5_000
const resourceLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 }

/** Belongs to the process, as its cores do: one such thread at a time. */
const queue = createQueue({ maxWaiting: 12 })

/** Checks as `compileSchema` does, on a thread that can be stopped at any point and has a memory of its own.
 *  @returns the faults of each value
 *  @throws {InvalidSchemaError} also when the schema asks for too much
 *  @throws {UnavailableError} `queue_full` */
export async function checkInThread(task: ThreadTask): Promise<readonly (string | undefined)[]> {
  const answer = await queue(() => runThread(task))
  if (answer === undefined) return faultsOfOverrun(task)
  if ('schemaFault' in answer) throw new InvalidSchemaError(answer.schemaFault)
  return answer.faults
}

/** @returns nothing when it overran its time or its memory */
async function runThread(task: ThreadTask): Promise<ThreadAnswer | undefined> {
  const thread = new Worker(new URL('schema-thread.ts', import.meta.url), { resourceLimits })
  try {
    // It tells when it is ready: the start of a thread is not the client's time.
    await once(thread, 'message', { signal: AbortSignal.timeout(startMs) })
    thread.postMessage(task)
    return await nextAnswer(thread)
  } finally {
    await thread.terminate()
  }
}

async function nextAnswer(thread: Worker): Promise<ThreadAnswer | undefined> {
  const signal = AbortSignal.timeout(deadlineMs)
  try {
    const [answer]: ThreadAnswer[] = await once(thread, 'message', { signal })
    return answer
  } catch (error) {
    if (signal.aborted || isOutOfMemory(error)) return undefined
    throw error
  }
}

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'

function faultsOfOverrun({ values }: ThreadTask): readonly string[] {
  if (values.length === 0) throw new InvalidSchemaError('it takes too long to read')
  return values.map(() => 'it takes too long to check against the schema')
}
