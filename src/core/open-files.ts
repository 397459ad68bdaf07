import { readFileSync } from 'node:fs'

/** How many files and connections this process may have open at once; undefined where the system does not say (only Linux does). */
export function openFilesLimit(): number | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return limit === undefined ? undefined : Number(limit)
  } catch {
    return undefined
  }
}

/** What this machine lacks: no fault of the site, of a client or of the code. */
export const exhaustedCodes: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EADDRNOTAVAIL'])
