import { readFileSync } from 'node:fs'
import { freemem, totalmem } from 'node:os'
import { join } from 'node:path'

// Memory as the kernel grants it: a container or a small instance has a control group with a limit, of either version
// (https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html).

export interface MemoryGroup {
  /** The least limit of the group and those that it is in; without one, all that the machine has. */
  readonly limitBytes: number
  /** False: it is the machine, with whatever else runs there. */
  readonly isLimited: boolean
  /** Undefined where the kernel does not tell. */
  read(): MemoryReading | undefined
}

export interface MemoryReading {
  /** Page cache included. */
  readonly usedBytes: number
  /** What the kernel cannot drop: what processes wrote themselves. There is no swap in a container. */
  readonly anonymousBytes: number
  /** Read from the disk again after it had been dropped, since the group was made. */
  readonly refaultBytes: number
  /** How often the kernel ended a process to keep the limit. */
  readonly kills: number
}

interface Version {
  /** Of its line in `/proc/self/cgroup`. */
  readonly line: RegExp
  readonly folder: string
  readonly limits: readonly string[]
  readonly used: string
  readonly kills: string
  /** Fields of `memory.stat`, with those of groups within. */
  readonly anonymous: string
  readonly refaults: string
}

const versions: readonly Version[] = [
  {
    line: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m,
    folder: 'memory',
    limits: ['memory.limit_in_bytes'],
    used: 'memory.usage_in_bytes',
    kills: 'memory.oom_control',
    anonymous: 'total_rss',
    refaults: 'total_workingset_refault_file',
  },
  {
    line: /^0::(.*)$/m,
    folder: '',
    limits: ['memory.max', 'memory.high'],
    used: 'memory.current',
    kills: 'memory.events',
    anonymous: 'anon',
    refaults: 'workingset_refault_file',
  },
]

export interface MemoryGroupOptions {
  /** Default: where every distribution mounts them. */
  readonly root?: string
  readonly processFile?: string
  readonly machineBytes?: number
}

/** The group of this process, looked up once. */
export function findMemoryGroup(options: MemoryGroupOptions = {}): MemoryGroup {
  const { root = '/sys/fs/cgroup', processFile = '/proc/self/cgroup', machineBytes = totalmem() } = options
  const groups = readText(processFile) ?? ''
  for (const version of versions) {
    const path = version.line.exec(groups)?.[1]
    if (path === undefined) continue
    const base = join(root, version.folder)
    const folders = foldersOf(base, path)
    const limits = folders.flatMap((folder) => version.limits.map((name) => readNumber(join(folder, name))))
    const limitBytes = Math.min(
      ...(limits.filter((limit) => limit !== undefined && limit > 0 && limit < machineBytes) as number[]),
    )
    if (!Number.isFinite(limitBytes)) continue
    const folder = folders.find((each) => readNumber(join(each, version.used)) !== undefined)
    return {
      limitBytes,
      isLimited: true,
      read: () => (folder === undefined ? undefined : readGroup(folder, version)),
    }
  }
  return { limitBytes: machineBytes, isLimited: false, read: readMachine }
}

/** From the group up. Without a namespace of its own a container sees its own group as the topmost, while its path names one
 *  of the host that is not there. */
function foldersOf(base: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  return Array.from({ length: parts.length + 1 }, (_, up) => join(base, ...parts.slice(0, parts.length - up)))
}

function readGroup(folder: string, version: Version): MemoryReading | undefined {
  const usedBytes = readNumber(join(folder, version.used))
  const stat = readText(join(folder, 'memory.stat'))
  if (usedBytes === undefined || stat === undefined) return undefined
  return {
    usedBytes,
    anonymousBytes: field(stat, version.anonymous),
    refaultBytes: field(stat, version.refaults) * pageBytes,
    kills: field(readText(join(folder, version.kills)) ?? '', 'oom_kill'),
  }
}

function readMachine(): MemoryReading | undefined {
  const info = readText('/proc/meminfo')
  if (info === undefined) return undefined
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(info)?.[1] ?? 0) * 1024
  const vmstat = readText('/proc/vmstat') ?? ''
  return {
    usedBytes: totalmem() - freemem(),
    anonymousBytes: kilobytes('AnonPages'),
    refaultBytes: field(vmstat, 'workingset_refault_file') * pageBytes,
    kills: field(vmstat, 'oom_kill'),
  }
}

const pageBytes = 4096

const field = (text: string, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)

/** @returns undefined also for `max`, no limit */
function readNumber(path: string): number | undefined {
  const text = readText(path)?.trim()
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Tells whether memory was the cause of what failed just now. */
export interface MemoryWatch {
  /** Why it was, in words for the operator; undefined when it was not.
   *  @param since  of `mark`, when what failed began */
  shortage(since: MemoryReading | undefined): string | undefined
  mark(): MemoryReading | undefined
}

/** Read again in ten seconds: a sound start reads each file once. */
const thrashingBytes = 64 * 1024 * 1024
/** Chromium's program and libraries, as far as they are in use all the time, and Node's. */
const programBytes = 128 * 1024 * 1024

export function createMemoryWatch(group: MemoryGroup = findMemoryGroup()): MemoryWatch {
  return {
    mark: group.read,
    shortage(since) {
      const now = group.read()
      if (!now) return undefined
      const { limitBytes } = group
      const [used, limit] = [now.usedBytes, limitBytes].map((bytes) => Math.round(bytes / 1024 / 1024))
      if (since && now.kills > since.kills)
        return `memory is short: the system ended a process to stay within ${limit} MB`
      const isFull = now.usedBytes > limitBytes * 0.9
      const isThrashing = since !== undefined && now.refaultBytes - since.refaultBytes > thrashingBytes
      const leavesNoRoom = now.anonymousBytes + programBytes > limitBytes
      if (!isFull || !(isThrashing || leavesNoRoom)) return undefined
      return `memory is short: ${used} of ${limit} MB are in use, and what Chromium needs is read from the disk over and over`
    },
  }
}
