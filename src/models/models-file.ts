import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Logger } from '../core/logger.ts'
import type { LiveCatalogue } from './catalogue.ts'
import { ModelsFileError, parseModelsFile } from './parse-models-file.ts'

export interface ModelsFileOptions {
  readonly path: string
  readonly catalogue: Pick<LiveCatalogue, 'change'>
  readonly logger: Logger
  /** How often the file is looked at, in ms. */
  readonly lookEveryMs?: number
}

/** Takes the operator's file into the catalogue, now and whenever it changes. A file that is wrong or gone later on is
 *  logged, and the catalogue stays as it is.
 *
 *  The file is read again and again, not watched: that sees editors that replace it, symbolic links (a Kubernetes volume
 *  swaps one) and mounts that tell of no changes, all in one way.
 *  @throws {ModelsFileError} now */
export function openModelsFile(options: ModelsFileOptions): { close(): void } {
  const { catalogue, logger, lookEveryMs = 1000 } = options
  const file = resolve(options.path)
  const atStart = readAtStart(file)
  catalogue.change(parseModelsFile(atStart))

  let closed = false
  let timer: NodeJS.Timeout
  // Undefined while the file is not there.
  let taken: string | undefined = atStart
  let last: string | undefined = atStart
  lookLater()

  function lookLater(): void {
    timer = setTimeout(() => void look(), lookEveryMs).unref()
  }

  async function look(): Promise<void> {
    const text = await readFile(file, 'utf8').catch(() => undefined)
    if (closed) return
    // Only what reads the same twice is taken: it may be in the middle of being written.
    if (text !== taken && text === last) take(text)
    last = text
    lookLater()
  }

  function take(text: string | undefined): void {
    taken = text
    try {
      if (text === undefined) throw new ModelsFileError(['cannot be read'])
      catalogue.change(parseModelsFile(text))
      logger.info({ file }, 'MODELS_FILE has changed: its models are in force')
    } catch (error) {
      if (!(error instanceof ModelsFileError)) throw error
      logger.warn({ file, faults: error.faults }, 'MODELS_FILE is wrong: the models stay as they were')
    }
  }

  return {
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

function readAtStart(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ModelsFileError([`cannot be read: ${cause instanceof Error ? cause.message : cause}`])
  }
}
