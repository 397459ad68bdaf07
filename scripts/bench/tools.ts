import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
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
  const npm = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  await promisify(execFile)('npm', npm, { cwd: folder })
}

/** Writes the references as JavaScript: that this project runs as TypeScript is no part of what they are to show. */
export async function buildReferences(): Promise<void> {
  await mkdir(referencesFolder, { recursive: true })
  for (const file of await readdir(sources)) {
    const source = await readFile(join(sources, file), 'utf8')
    const built = stripTypeScriptTypes(source).replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.mjs'")
    await writeFile(join(referencesFolder, file.replace('.ts', '.mjs')), built)
  }
}

const sources = join(import.meta.dirname, 'references')
const referencesFolder = join(folder, 'references')

export const translatorMain = join(referencesFolder, 'translator.mjs')
export const bareKoaMain = join(referencesFolder, 'bare-koa.mjs')
