import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createContext, Script } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { InvalidRequestError, UnavailableError } from '../../core/errors.ts'
import { createInTurn } from '../../core/in-turn.ts'
import type { CompiledSchema, JsonSchema } from './compile-schema.ts'
import { isPlainSchema } from './is-plain-schema.ts'

/** @returns what is wrong with a value, in words for the model and for people and without its values; nothing when it fits
 *  @throws {UnavailableError} `queue_full` */
export type JsonCheck = (value: unknown) => Promise<string | undefined>

/** A client's schema that no value can be checked against. */
export class InvalidSchemaError extends InvalidRequestError {
  /** Told to the client as the end of a sentence. */
  readonly reason: string

  constructor(reason: string) {
    // A reason quotes the schema, which may be long.
    const brief = reason.slice(0, 500)
    super('invalid_value', { message: `The JSON Schema cannot be used: ${brief}.` })
    this.reason = brief
  }
}

/** Makes sure that a client's schema can be used; compiles it only where nothing less can tell.
 *  @throws {InvalidSchemaError} when it cannot
 *  @throws {UnavailableError} `queue_full` */
export async function verifySchema(schema: JsonSchema): Promise<void> {
  const text = textOf(schema)
  if (schemas.find(text)) return
  if (isPlainSchema(schema)) schemas.add(text, { isPlain: true, check: undefined, overruns: 0 })
  else await createJsonCheck(schema)
}

/** Checks values against a client's schema. Neither can be trusted: what does not end within a moment goes to a thread with a
 *  deadline. Schemas that were used lately are not compiled again.
 *  @throws {InvalidSchemaError} when the schema cannot be used
 *  @throws {UnavailableError} `queue_full` */
export async function createJsonCheck(schema: JsonSchema): Promise<JsonCheck> {
  const text = textOf(schema)
  const known = schemas.find(text)
  const entry: KnownSchema = known ?? { isPlain: isPlainSchema(schema), check: undefined, overruns: 0 }
  await compileInPlace(schema, entry)
  if (!known) {
    if (!entry.check && !entry.isPlain) await checkInThread({ schema, values: [] })
    schemas.add(text, entry)
  }
  // In UTF-16 units of its JSON: a value below it needs no deadline.
  const briefLength = entry.isPlain && !text.includes('"format"') ? maxBriefWork / text.length : 0

  return async (value) => {
    const { check } = entry
    try {
      if (check && JSON.stringify(value).length < briefLength) return check(value)
      const checked = check && runBriefly(() => check(value))
      if (checked) return checked.result
      const [faults] = await checkInThread({ schema, values: [value] })
      return faults
    } catch (error) {
      // The stack was exhausted, by the check or by the copy for the thread.
      if (error instanceof RangeError) return 'it is nested too deeply'
      throw error
    }
  }
}

/** The length of a schema times that of a value. Without references, patterns and formats each part of the one meets each part of
 *  the other at most once, so that this takes 10 ms at worst; a deadline costs 0.2 ms, since Node starts a thread for it. */
const maxBriefWork = 1_000_000

/** In UTF-16 units of its JSON. */
const maxSchemaLength = 128 * 1024

function textOf(schema: JsonSchema): string {
  const text = JSON.stringify(schema)
  if (text.length > maxSchemaLength)
    throw new InvalidSchemaError(`it is longer than ${maxSchemaLength} characters`)
  return text
}

type Loaded = typeof import('./compile-schema.ts')
let loading: Promise<Loaded> | undefined

/** Loads and warms up the compiler in small steps, so that no request has to wait for all of it at once. Call it when the
 *  service is idle; otherwise the first schema that has to be compiled does it. */
export async function warmUpSchemas(): Promise<Loaded> {
  loading ??= load()
  try {
    return await loading
  } catch (error) {
    // For want of a file handle, say: the next one tries again.
    loading = undefined
    throw error
  }
}

async function load(): Promise<Loaded> {
  await import('ajv')
  await nextTurn()
  await import('ajv/dist/2020.js')
  await nextTurn()
  const loaded = await import('./compile-schema.ts')
  for (const step of loaded.warmUpSteps) {
    await nextTurn()
    step()
  }
  return loaded
}

/** A schema that can be used. */
interface KnownSchema {
  readonly isPlain: boolean
  /** Undefined until the first value is to be checked. */
  check: Extract<CompiledSchema, { check: unknown }>['check'] | undefined
  /** How often it took too long to compile in place. */
  overruns: number
}

/** A busy moment of the machine may be why a schema takes too long. One that always does is compiled in the thread alone. */
const maxOverruns = 3

async function compileInPlace(schema: JsonSchema, entry: KnownSchema): Promise<void> {
  if (entry.check || entry.overruns === maxOverruns) return
  const { compileSchema } = await warmUpSchemas()
  const compiled = runBriefly(() => compileSchema(schema))?.result
  if (!compiled) entry.overruns += 1
  else if ('check' in compiled) entry.check = compiled.check
  else throw new InvalidSchemaError(compiled.schemaFault)
  // A request may have many schemas: in between others have their turn.
  await nextTurn()
}

/** By their JSON. Compiled, a schema takes about ten times the memory of its text. Like the queue below these belong to the
 *  process: they hold nothing else of a request. */
const schemas = createTextCache<KnownSchema>({ maxEntries: 500, maxLength: 2 * 1024 * 1024 })

interface TextCacheOptions {
  readonly maxEntries: number
  readonly maxLength: number
}

/** Keeps the values that were used last, by their texts.
 *  @param maxLength  of all texts together, in UTF-16 units */
export function createTextCache<Value>({ maxEntries, maxLength }: TextCacheOptions) {
  const entries = new Map<string, Value>()
  let length = 0

  function remove(text: string): void {
    if (entries.delete(text)) length -= text.length
  }

  return {
    find(text: string): Value | undefined {
      const entry = entries.get(text)
      if (!entry) return undefined
      entries.delete(text)
      entries.set(text, entry)
      return entry
    },
    add(text: string, entry: Value): void {
      remove(text)
      entries.set(text, entry)
      length += text.length
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries && length <= maxLength) return
        remove(oldest)
      }
    },
  }
}

/** In ms: the longest that one request may hold up all others. */
const limitMs = 25

/** Only a script in a context can be stopped; making a context takes longer than most checks. */
let context: { work?: (() => unknown) | undefined } | undefined
const script = new Script('work()')

/** Runs `work` here, and stops it when it takes too long, be it within a regular expression.
 *  @returns nothing when it was stopped
 *  @throws whatever the work throws */
function runBriefly<Result>(work: () => Result): { readonly result: Result } | undefined {
  context ??= createContext({})
  context.work = work
  try {
    return { result: script.runInContext(context, { timeout: limitMs }) }
  } catch (error) {
    if (isTimeout(error)) return undefined
    throw error
  } finally {
    context.work = undefined
  }
}

/** It comes from the other context: there it is an `Error`, here it is not. */
const isTimeout = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'

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

/** One such thread at a time, since a process has few cores. */
const queue = createQueue({ maxWaiting: 12 })

/** Does one piece of work at a time, in the order of the calls.
 *  @throws {UnavailableError} `queue_full` when `maxWaiting` wait already */
export function createQueue({ maxWaiting }: { readonly maxWaiting: number }) {
  let open = 0
  const inTurn = createInTurn()
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (open > maxWaiting)
      throw new UnavailableError('queue_full', { message: 'Too many schemas wait for a check.' })
    open += 1
    return await inTurn(work).finally(() => {
      open -= 1
    })
  }
}

/** Checks on a thread that can be stopped at any point and has a memory of its own.
 *  @returns the faults of each value
 *  @throws {InvalidSchemaError} also when the schema asks for too much
 *  @throws {UnavailableError} `queue_full` */
async function checkInThread(task: ThreadTask): Promise<readonly (string | undefined)[]> {
  const answer = await queue(() => runThread(task))
  if (answer === undefined) return faultsOfOverrun(task)
  if ('schemaFault' in answer) throw new InvalidSchemaError(answer.schemaFault)
  return answer.faults
}

/** @returns nothing when it overran its time or its memory */
async function runThread(task: ThreadTask): Promise<ThreadAnswer | undefined> {
  const thread = new Worker(new URL('schema-thread.ts', import.meta.url), { resourceLimits })
  try {
    // The deadline begins when the thread is ready: its start is not the client's time.
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
