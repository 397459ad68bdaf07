import { type DestinationStream, pino } from 'pino'

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void

/** Structured log; secrets never go into `fields` or `message`. */
export interface Logger {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
}

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly format: 'json' | 'pretty'
  /** Where lines go; standard output by default. */
  readonly destination?: DestinationStream
}

export function createLogger({ level, format, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // As words: Loki, Datadog and people read those.
    formatters: { level: (name: string) => ({ level: name }) },
    serializers: { err: (error: unknown) => describeError(error) },
  }
  if (destination) return pino(options, destination)
  if (format === 'pretty') return pino({ ...options, formatters: {}, transport: { target: 'pino-pretty' } })
  // Not pino's own writer: it blocks the exit of the process for ever when nobody reads the pipe any more.
  return pino(options, createLineWriter(process.stdout))
}

/** What may be told of an error: never all of its properties, as those of libraries hold addresses with their passwords, and
 *  requests with their headers. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error))
    return typeof error === 'object' ? Object.prototype.toString.call(error) : String(error)
  const facts = error as Error & Record<string, unknown>
  const told: Record<string, unknown> = {
    type: error.constructor.name,
    message: error.message,
    stack: error.stack,
  }
  for (const name of toldProperties) {
    const value = facts[name]
    if (typeof value === 'number' || (typeof value === 'string' && value.length <= 100)) told[name] = value
  }
  if (error.cause !== undefined && depth < maxCauses) told.cause = describeError(error.cause, depth + 1)
  return told
}

/** A code, or a place in the system; of our own errors what they mean. */
const toldProperties = [
  'code',
  'errno',
  'syscall',
  'kind',
  'status',
  'httpStatus',
  'retryAfterMs',
  'param',
] as const
const maxCauses = 4

/** What is joined at most before it is written: in UTF-16 units, and how long the first line waits. */
const maxJoinedLength = 64 * 1024
const maxWaitMs = 10

/** Joins the lines of a moment in one write: each write to a pipe or a file is a system call that the loop waits for, and costs
 *  more than the making of the line. What is left is written when the process exits, however it ends but by SIGKILL. */
function createLineWriter(output: NodeJS.WriteStream): DestinationStream {
  let joined = ''
  const flush = () => {
    const lines = joined
    joined = ''
    if (lines) output.write(lines)
  }
  process.once('exit', flush)
  return {
    write(line) {
      if (!joined) setTimeout(flush, maxWaitMs).unref()
      joined += line
      if (joined.length > maxJoinedLength) flush()
    },
  }
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
