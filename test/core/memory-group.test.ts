import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createMemoryWatch, findMemoryGroup, type MemoryReading } from '../../src/core/memory-group.ts'

const megabyte = 1024 * 1024
const machineBytes = 16_384 * megabyte
const noLimit = '9223372036854771712'

/** A folder in the place of /sys/fs/cgroup, and a file in that of /proc/self/cgroup. */
function makeGroups(processFile: string, files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'genspark2api-groups-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const [name, text] of Object.entries({ ...files, processFile })) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), `${text}\n`)
  }
  return findMemoryGroup({ root, processFile: join(root, 'processFile'), machineBytes })
}

test('FINDINGS O12: reads the limit of a group of version 2, of those above it the least', () => {
  const group = makeGroups('0::/system.slice/genspark2api.service', {
    'system.slice/memory.max': String(1024 * megabyte),
    'system.slice/genspark2api.service/memory.max': 'max',
    'system.slice/genspark2api.service/memory.high': String(768 * megabyte),
    'system.slice/genspark2api.service/memory.current': '1000',
    'system.slice/genspark2api.service/memory.stat': 'anon 400\nfile 600\nworkingset_refault_file 3',
    'system.slice/genspark2api.service/memory.events': 'max 7\noom 1\noom_kill 2',
  })
  expect(group).toMatchObject({ limitBytes: 768 * megabyte, isLimited: true })
  expect(group.read()).toEqual({ usedBytes: 1000, anonymousBytes: 400, refaultBytes: 3 * 4096, kills: 2 })
})

test('reads it where the container sees its own group as the topmost', () => {
  const files = { 'memory.max': String(512 * megabyte), 'memory.current': '5', 'memory.stat': 'anon 4' }
  expect(makeGroups('0::/', files).limitBytes).toBe(512 * megabyte)
  expect(makeGroups('0::/../../kubepods/pod1', files).limitBytes).toBe(512 * megabyte)
  expect(makeGroups('0::/docker/of-the-host', files).read()?.anonymousBytes).toBe(4)
})

test('reads the limit of a group of version 1', () => {
  const group = makeGroups('9:name=systemd:/\n4:memory:/docker/1234\n0::/', {
    'memory/memory.limit_in_bytes': String(1024 * megabyte),
    'memory/memory.usage_in_bytes': '2000',
    'memory/memory.stat': 'rss 1\ntotal_rss 300\ntotal_workingset_refault_file 5',
    'memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 1',
  })
  expect(group).toMatchObject({ limitBytes: 1024 * megabyte, isLimited: true })
  expect(group.read()).toEqual({ usedBytes: 2000, anonymousBytes: 300, refaultBytes: 5 * 4096, kills: 1 })
})

test.each([
  ['no group has a limit', '4:memory:/a\n0::/', { 'memory/a/memory.limit_in_bytes': noLimit }],
  ['the limit is above what there is', '0::/', { 'memory.max': String(2 * machineBytes) }],
  ['there are no groups', '', {}],
])('takes the memory of the machine where %s', (_case, processFile, files) => {
  expect(makeGroups(processFile, files)).toMatchObject({ limitBytes: machineBytes, isLimited: false })
})

test.each<[string | undefined, Partial<MemoryReading>]>([
  [undefined, {}],
  // Full of page cache, as every long-lived group is.
  [undefined, { usedBytes: 511 }],
  ['memory is short: 511 of 512 MB', { usedBytes: 511, anonymousBytes: 400 }],
  ['memory is short: 511 of 512 MB', { usedBytes: 511, refaultBytes: 200 }],
  [undefined, { usedBytes: 300, refaultBytes: 200 }],
  ['memory is short: the system ended a process to stay within 512 MB', { kills: 1 }],
])('FINDINGS O12: says %s of what changed meanwhile: %j', (expected, changed) => {
  const before = { usedBytes: 300, anonymousBytes: 250, refaultBytes: 10, kills: 0 }
  const inBytes = (reading: MemoryReading): MemoryReading => ({
    usedBytes: reading.usedBytes * megabyte,
    anonymousBytes: reading.anonymousBytes * megabyte,
    refaultBytes: reading.refaultBytes * megabyte,
    kills: reading.kills,
  })
  const readings = [before, { ...before, ...changed }].map(inBytes)
  const watch = createMemoryWatch({
    ...{ limitBytes: 512 * megabyte, isLimited: true },
    read: () => readings.shift(),
  })
  const shortage = watch.shortage(watch.mark())
  if (expected === undefined) expect(shortage).toBeUndefined()
  else expect(shortage).toContain(expected)
})
