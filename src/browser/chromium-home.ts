import { mkdtempSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of its own for one Chromium, for everything that it writes. */
export interface ChromiumHome {
  readonly path: string
  remove(): Promise<void>
}

/** Makes a home that is gone with the process at the latest, also when that exits in the middle of a launch. */
export function makeChromiumHome(): ChromiumHome {
  // Without a pause between the making and the promise to remove it.
  const path = mkdtempSync(join(tmpdir(), 'genspark2api-chromium-'))
  const removeOnExit = () => rmSync(path, removal)
  process.once('exit', removeOnExit)
  return {
    path,
    async remove() {
      await rm(path, removal)
      process.off('exit', removeOnExit)
    },
  }
}

/** A Chromium that is just being killed may still write. */
const removal = { recursive: true, force: true, maxRetries: 5 }
