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
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  if (destination) return pino(options, destination)
  if (format === 'pretty') return pino({ ...options, transport: { target: 'pino-pretty' } })
  // Not pino's own writer: it blocks the exit of the process for ever when nobody reads the pipe any more.
  return pino(options, process.stdout)
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
