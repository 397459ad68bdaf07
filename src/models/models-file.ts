import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { Logger } from '../core/logger.ts'
import { type ModelKind, modelKinds, type UpstreamIds } from './models.ts'

export interface ModelsFileOptions {
  readonly path: string
  readonly catalogue: { change(changes: ModelChanges): void }
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

/** What the operator adds to the catalogue or changes in it. */
export interface ModelChanges {
  readonly models: readonly ModelChange[]
  /** A further name for a model: alias to id. */
  readonly aliases: ReadonlyMap<string, string>
  /** Names that are no longer accepted. */
  readonly remove: readonly string[]
}

export interface ModelChange {
  readonly id: string
  readonly kind: ModelKind
  /** What is asked; left out: as before, else as the other protocol, else the id itself. */
  readonly copilot?: UpstreamIds['agent'] | undefined
  readonly agent?: UpstreamIds['agent'] | undefined
  readonly ownedBy?: string | undefined
  readonly displayName?: string | undefined
  /** ISO 8601 */
  readonly created?: string | undefined
  /** Accepted, but not shown by `GET /v1/models`. */
  readonly hidden: boolean
}

export const noChanges: ModelChanges = { models: [], aliases: new Map(), remove: [] }

/** The file is wrong; nothing of it is taken over. */
export class ModelsFileError extends Error {
  /** One line a fault. */
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('; '))
    this.name = 'ModelsFileError'
    this.faults = faults
  }
}

/** @throws {ModelsFileError} with all faults at once */
export function parseModelsFile(text: string): ModelChanges {
  const { data, error } = fileSchema.safeParse(parseJson(text))
  if (error) throw new ModelsFileError(error.issues.map(faultOf))
  return {
    models: modelKinds.flatMap((kind) => data[kind].map((row) => ({ ...row, kind }))),
    aliases: new Map(Object.entries(data.aliases)),
    remove: data.remove,
  }
}

const id = z.string().regex(/^\S{1,200}$/, 'must be a name without white space')
const oneId = id.transform((single): UpstreamIds['agent'] => [single])
const upstreamIds = z.union(
  [oneId, z.tuple([id], id).check(z.maxLength(5))],
  'must be an id or a list of 1 to 5 ids',
)
const shown = z.string().min(1).max(200)

const rowSchema = z.strictObject({
  id,
  copilot: upstreamIds.optional(),
  agent: upstreamIds.optional(),
  ownedBy: shown.optional(),
  displayName: shown.optional(),
  created: z.iso.date().optional(),
  hidden: z.boolean().default(false),
})

const mediaRowSchema = rowSchema.refine(
  ({ copilot, agent }) => (copilot?.length ?? 1) === 1 && (agent?.length ?? 1) === 1,
  'must name one id for each protocol: only text models are asked as a mixture',
)

const fileSchema = z.strictObject({
  text: z.array(rowSchema).default([]),
  image: z.array(mediaRowSchema).default([]),
  video: z.array(mediaRowSchema).default([]),
  aliases: z.record(id, id).default({}),
  remove: z.array(id).default([]),
})

function parseJson(text: string): unknown {
  try {
    // Editors of one system write a byte order mark.
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw new ModelsFileError([`is not valid JSON: ${cause instanceof Error ? cause.message : cause}`])
  }
}

function faultOf({ path, message }: { path: PropertyKey[]; message: string }): string {
  const place = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
  return place === '' ? message : `${place.slice(1)}: ${message}`
}
