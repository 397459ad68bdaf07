import { readFileSync } from 'node:fs'
import { settings } from '../../src/config/settings.ts'

const root = new URL('../../', import.meta.url)

/** @param path  from the root of the project */
export const readProjectFile = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const dockerfile = readProjectFile('Dockerfile')

/** What the Dockerfile promises to whoever runs its image. */
export const image = {
  /** Without its tag; `scripts/set-owner.sh` sets the owner in it. */
  name: /^IMAGE=(.+)$/m.exec(readProjectFile('deploy/image'))?.[1] ?? '',
  port: Number(/^EXPOSE (\d+)$/m.exec(dockerfile)?.[1]),
  volume: /^VOLUME (\S+)$/m.exec(dockerfile)?.[1],
}

export const defaultGraceSeconds = Number(settings.shutdownGraceMs.default)

const settingNames = new Set(Object.values(settings).map((setting) => setting.name))

/** Those of the environment variables that are no settings of ours. */
export const unknownSettings = (names: Iterable<string>): readonly string[] =>
  [...names].filter((name) => !settingNames.has(name))

/** Whether the service answers this path without a key, at the root. */
export const isProbe = (path: string): boolean =>
  readProjectFile('src/http/routes.ts').includes(`  probe('${path}', `)
