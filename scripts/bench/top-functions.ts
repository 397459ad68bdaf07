import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export interface FunctionTime {
  readonly name: string
  readonly selfMs: number
  /** Of all the time in which something ran. */
  readonly share: number
}

/** The functions that took most, over all CPU profiles of a folder. */
export async function topFunctions(folder: string, count: number): Promise<readonly FunctionTime[]> {
  const byName = new Map<string, number>()
  for (const file of await readdir(folder)) {
    if (file.endsWith('.cpuprofile'))
      addSelfTimes(JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile, byName)
  }
  const totalMs = [...byName.values()].reduce((sum, ms) => sum + ms, 0)
  return [...byName]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, selfMs]) => ({ name, selfMs, share: selfMs / totalMs }))
}

const atRest = new Set(['(idle)', '(root)'])

function addSelfTimes({ nodes, samples, timeDeltas }: CpuProfile, byName: Map<string, number>): void {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  samples.forEach((id, index) => {
    const name = names.get(id) ?? ''
    if (!atRest.has(name)) byName.set(name, (byName.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1000)
  })
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName || '(anonymous)'
  if (url === '') return name
  const file = url.replace(/^.*?\/(?=(?:src|node_modules)\/)/, '').replace(/^file:\/\//, '')
  return `${name} ${file}:${lineNumber + 1}`
}
