import { readdir, readFile } from 'node:fs/promises'

/** Of Linux, on all that Node runs on. */
const tickMs = 10

/** Processor time of a process and of all it started, user and system. Linux tells it in steps of 10 ms. */
export async function cpuMsOf(pid: number): Promise<number> {
  let ticks = 0
  for (const id of await withChildren(pid)) {
    const stat = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => undefined)
    // The name in brackets may hold blanks: the fields behind it begin with the third.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0)
  }
  return ticks * tickMs
}

/** Resident memory of a process and of all it started. */
export async function rssMbOf(pid: number): Promise<number> {
  let kilobytes = 0
  for (const id of await withChildren(pid)) {
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '')
    kilobytes += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0)
  }
  return kilobytes / 1024
}

async function withChildren(pid: number): Promise<readonly number[]> {
  const found = [pid]
  for (const id of found) {
    for (const thread of await readdir(`/proc/${id}/task`).catch(() => [])) {
      const children = await readFile(`/proc/${id}/task/${thread}/children`, 'utf8').catch(() => '')
      found.push(...children.split(' ').filter(Boolean).map(Number))
    }
  }
  return found
}
