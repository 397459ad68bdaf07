import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How the folders begin that a Chromium of ours lives in. */
export const homePrefix = 'genspark2api-chromium-'

/** One that is being made is named by no process yet. */
const youngMs = 10 * 60 * 1000

/** Removes the homes that a service left which was killed: those that no process of this machine names as its home any more. Only Linux
 *  tells of its processes; elsewhere they stay. Never rejects. */
export async function sweepHomes(folder = tmpdir(), nowMs = Date.now()): Promise<void> {
  try {
    const homes = (await readdir(folder)).filter((name) => name.startsWith(homePrefix))
    if (homes.length === 0) return
    const inUse = await environments()
    for (const name of homes) {
      const path = join(folder, name)
      if (inUse.some((environment) => environment.includes(path))) continue
      const { mtimeMs, uid } = await stat(path)
      if (uid === process.getuid?.() && nowMs - mtimeMs > youngMs)
        await rm(path, { recursive: true, force: true })
    }
  } catch {
    // A folder that cannot be read or removed costs 1.4 MB.
  }
}

/** Of the processes that are ours to read. @throws where there is no /proc */
async function environments(): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const read = (pid: string) => readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
  return await Promise.all(pids.map(read))
}
