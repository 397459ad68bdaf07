import { existsSync } from 'node:fs'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A group of processes with a limit of memory, as a container or a small instance has it. */
export interface MemoryGroup {
  /** Whoever writes a process id there puts it into the group. */
  readonly processesFile: string
  /** The most that it took at once, page cache included. */
  peakMb(): Promise<number>
  /** What it takes now, without what the kernel may drop. */
  residentMb(): Promise<number>
  /** How often the kernel ended a process of the group to keep the limit. */
  kills(): Promise<number>
  /** Once its processes have ended. */
  remove(): Promise<void>
}

const groups = [
  {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    kills: 'memory.oom_control',
  },
  { root: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak', kills: 'memory.events' },
] as const

/** @returns why none can be made here, in words */
export async function openMemoryGroup(limitMb: number): Promise<MemoryGroup | string> {
  const files = groups.find(
    ({ root, limit }) => existsSync(join(root, limit)) || existsSync(join(root, 'cgroup.subtree_control')),
  )
  if (!files) return 'no memory controller of cgroups is mounted here'
  const folder = join(files.root, `genspark2api-test-${process.pid}`)
  const read = async (name: string) => (await readFile(join(folder, name), 'utf8')).trim()
  try {
    await mkdir(folder)
    await writeFile(join(folder, files.limit), String(limitMb << 20))
  } catch (error) {
    await rmdir(folder).catch(() => {})
    return `a memory group cannot be made here (${(error as NodeJS.ErrnoException).code})`
  }
  const figure = (text: string, name: string) =>
    Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return {
    processesFile: join(folder, 'cgroup.procs'),
    peakMb: async () => Number(await read(files.peak)) / (1 << 20),
    async residentMb() {
      const text = await read('memory.stat')
      return (figure(text, 'rss') || figure(text, 'anon')) / (1 << 20)
    },
    kills: async () => figure(await read(files.kills), 'oom_kill'),
    remove: () => rmdir(folder),
  }
}
