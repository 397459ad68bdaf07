import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

interface LockedPackage {
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
}
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, LockedPackage> }
const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }

/** What may be passed on with no duty but to name its authors. */
const permissive =
  /^\(?(MIT|ISC|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0|0BSD|CC0-1\.0|Unlicense)( OR .+\))?$/

it('every dependency has its reason, and nothing else has', () => {
  const rows = [...read('docs/DEPENDENCIES.md').matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)]
  expect(rows.map(([, name]) => name)).toEqual(Object.keys(dependencies).sort())
  for (const [, , reason] of rows) expect(reason?.length).toBeGreaterThan(10)
})

it('no install script is run, and no package of the service has one', () => {
  expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m)
  const withScripts = Object.entries(packages).filter(
    ([, { dev, hasInstallScript }]) => hasInstallScript && !dev,
  )
  expect(withScripts.map(([path]) => path)).toEqual([])
})

it('everything that the service loads has a permissive licence', () => {
  const others = Object.entries(packages).flatMap(([path, { dev, optional }]) => {
    const file = join(path, 'package.json')
    if (path === '' || dev || (optional && !existsSync(join(root, file)))) return []
    const { license, licenses } = JSON.parse(read(file)) as {
      license?: string
      licenses?: readonly { readonly type: string }[]
    }
    const name = license ?? licenses?.map(({ type }) => type).join(' OR ') ?? 'none'
    return permissive.test(name) ? [] : [`${path}: ${name}`]
  })
  expect(others).toEqual([])
})
