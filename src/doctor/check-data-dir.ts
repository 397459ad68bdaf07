import { access, constants, mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Finding } from './finding.ts'

/** Can the state be kept across restarts? Without, the service runs all the same. */
export async function checkDataDir(dataDir: string): Promise<Finding> {
  const path = resolve(dataDir)
  const part = 'DATA_DIR'
  try {
    await mkdir(path, { recursive: true })
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return { state: 'ok', part, text: `${path} can be written to` }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const remedy = 'mount a volume there that this user may write to; without, nothing outlives a restart'
    return { state: 'warning', part, text: `${path} cannot be written to (${code})`, remedy }
  }
}
