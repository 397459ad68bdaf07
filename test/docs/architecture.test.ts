import { existsSync } from 'node:fs'
import { join } from 'node:path'
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
