import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, it } from 'vitest'
import { readDocument, root } from './markdown.ts'

it.each(['docs/ARCHITECTURE.md', 'docs/ARCHITECTURE.zh-CN.md'])(
  '%s names only files that are there',
  (path) => {
    const named = [
      ...readDocument(path).matchAll(
        /`((?:[\w.-]+\/)+(?:[\w.-]+\.(?:ts|lua|sh|json))?|[\w-]+\.(?:ts|json))`/g,
      ),
    ]
    // Names of files that each dialect has.
    const ofEach = new Set(['parse-request.ts', 'encode-stream.ts', 'encode-response.ts', 'encode-error.ts'])
    const paths = named.map(([, each = '']) => each).filter((each) => !ofEach.has(each))
    expect(paths.length).toBeGreaterThan(50)
    expect(
      paths.filter((each) => !existsSync(join(root, 'src', each)) && !existsSync(join(root, each))),
    ).toEqual([])
  },
)

it('no file imports in a circle, types included', () => {
  const src = join(root, 'src')
  const imports = new Map(
    readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => {
        const text = readFileSync(join(src, path), 'utf8')
        const targets = text.matchAll(/(?:from |import\()'(\.[^']+\.ts)'/g)
        return [
          path,
          Array.from(targets, ([, target = '']) => normalize(join(dirname(path), target))),
        ] as const
      }),
  )
  const done = new Set<string>()
  const walk = (path: string, way: readonly string[]): void => {
    expect(way, `${[...way, path].join(' -> ')}`).not.toContain(path)
    if (done.has(path)) return
    for (const target of imports.get(path) ?? []) walk(target, [...way, path])
    done.add(path)
  }
  for (const path of imports.keys()) walk(path, [])
})
