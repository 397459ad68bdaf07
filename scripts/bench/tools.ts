import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Of this checkout. */
export const projectFolder = join(import.meta.dirname, '../..')

const folder = join(projectFolder, '.tools/bench')

/** What is measured beside the service, and is therefore no dependency of it. */
const packages = {
  dependencies: {
    '@portkey-ai/gateway': '1.15.2',
    '@hono/node-server': '1.13.5',
    undici: '8.13.1',
  },
  // With a later one this version of the gateway gives a stream only once it is whole.
  overrides: { '@hono/node-server': '1.13.5' },
}

export const toolVersions: Readonly<Record<string, string>> = packages.dependencies

export const portkeyMain = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')

/** Installs what is missing, by npm. */
export async function installTools(): Promise<void> {
  const manifest = JSON.stringify({ private: true, ...packages })
  const path = join(folder, 'package.json')
  const written = await readFile(path, 'utf8').catch(() => '')
  if (written === manifest && existsSync(portkeyMain)) return
  await mkdir(folder, { recursive: true })
  await writeFile(path, manifest)
  const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts']
  await promisify(execFile)('npm', npm, { cwd: folder })
}

/** A package of the project, or else of the tools. */
export function installed(name: string): unknown {
  try {
    return createRequire(import.meta.url)(name)
  } catch {
    return createRequire(join(folder, 'package.json'))(name)
  }
}
