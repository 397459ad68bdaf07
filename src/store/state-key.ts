import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../core/logger.ts'

export interface StateKeyOptions {
  /** STATE_KEY: the first seals, all open. */
  readonly stateKeys: readonly KeyObject[]
  /** Where a key of our own lies, `state.key`. */
  readonly dataDir: string | undefined
  /** Whether one is made where there is none: with Redis every replica would make another one. */
  readonly canMake: boolean
  readonly logger: Pick<Logger, 'warn'>
}

/** The keys that seal what is secret in the store: those of the settings, else one that is made once and lies beside the state. It
 *  goes on opening what it sealed after STATE_KEY has been set.
 *  @throws {Error} when `state.key` is there and is none: a new one would open nothing of what is stored */
export function openStateKeys({
  stateKeys,
  dataDir,
  canMake,
  logger,
}: StateKeyOptions): readonly KeyObject[] {
  const own = dataDir === undefined ? undefined : readKey(join(dataDir, 'state.key'))
  if (own) return [...stateKeys, own]
  if (stateKeys.length > 0 || !canMake) return stateKeys
  const made = randomBytes(32)
  try {
    if (dataDir !== undefined) {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 })
      writeFileSync(join(dataDir, 'state.key'), `${made.toString('hex')}\n`, { flag: 'wx', mode: 0o600 })
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const other = code === 'EEXIST' && dataDir !== undefined ? readKey(join(dataDir, 'state.key')) : undefined
    if (other) return [other]
    logger.warn(
      { dataDir, reason: code },
      'state.key cannot be kept: what this process seals opens for it alone',
    )
  }
  return [createSecretKey(made)]
}

function readKey(file: string): KeyObject | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new Error(`${file} cannot be read (${code}): it opens what is stored there`)
  }
  if (/^[\da-f]{64}$/i.test(text)) return createSecretKey(text, 'hex')
  throw new Error(
    `${file} holds no key of 32 bytes in hex: put it back, or remove it to begin with a new one`,
  )
}
