import { type DestinationStream, pino } from 'pino'

type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void

/** Structured log; secrets never go into `fields` or `message`. */
export interface Logger {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export const logFormats = ['json', 'pretty'] as const

export interface LoggerOptions {
  readonly level: (typeof logLevels)[number]
  readonly format: (typeof logFormats)[number]
  /** Where lines go; standard output unless told. */
  readonly destination?: DestinationStream
}

export function createLogger({ level, format, destination }: LoggerOptions): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  if (destination) return pino(options, destination)
  if (format === 'pretty') return pino({ ...options, transport: { target: 'pino-pretty' } })
  // Not pino's own writer: at the end of the process that waits for ever for a pipe that nobody reads any more.
  return pino(options, process.stdout)
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
