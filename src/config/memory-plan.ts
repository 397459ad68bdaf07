import type { MemoryGroup } from '../core/memory-group.ts'

export type Memory = Pick<MemoryGroup, 'limitBytes' | 'isLimited'>

/** Who needs what, measured within a limit (`scripts/memory-test.sh`), in MB: with the site's page (6 MB of script) for one account,
 *  and for each further one. Without Chromium the service takes 150 to 200 MB. */
const browsers = {
  chromium: { first: 680, further: 160 },
  'headless shell': { first: 490, further: 100 },
} as const

export type BrowserKind = keyof typeof browsers

export interface MemoryPlan {
  /** What it may use: a group's limit is its own, a machine is shared with others. */
  readonly bytes: number
  /** Accounts whose pages it holds at once; 0: not even one. As many as there are without a Chromium of our own. */
  readonly pages: number
  /** That the browser with one account needs. */
  readonly neededBytes: number
  /** Left for this process. */
  readonly ownBytes: number
}

interface MemoryUse {
  /** Undefined: none is launched. */
  readonly browser: BrowserKind | undefined
  /** That will be open, as far as is known: what they leave is for this process. */
  readonly pages: number
}

const megabyte = 1024 * 1024

export const maxPages = 20

/** How the memory is shared out between Chromium and this process. */
export function planMemory(
  { limitBytes, isLimited }: Memory,
  { browser, pages: wanted }: MemoryUse,
): MemoryPlan {
  const bytes = isLimited ? limitBytes : limitBytes * 0.75
  if (!browser) return { bytes, pages: maxPages, neededBytes: 0, ownBytes: bytes }
  const { first, further } = browsers[browser]
  const spareMb = bytes / megabyte - first
  const pages = spareMb < 0 ? 0 : Math.min(1 + Math.floor(spareMb / further), maxPages)
  const browserMb = first - ownMb + (Math.max(Math.min(wanted, pages), 1) - 1) * further
  const ownBytes = Math.max(bytes - browserMb * megabyte, ownMb * megabyte)
  return { bytes, pages, neededBytes: first * megabyte, ownBytes }
}

/** Of `first`. */
const ownMb = 200

/** By its name: Debian's `chromium-headless-shell` is Chromium without a window, Playwright calls it `headless_shell`. */
export const browserKind = (executable: string | undefined): BrowserKind =>
  executable !== undefined && /headless[-_]shell/i.test(executable) ? 'headless shell' : 'chromium'
