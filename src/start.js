#!/usr/bin/env node
// The first file of the program, before src/main.ts: makes the start cheap. Plain JavaScript on purpose: Node strips the types of
// the file that it begins with before any cache is on, which takes 40 ms and 20 MB for the compiler alone.
// `node src/main.ts` runs the same program, more slowly.

import { existsSync } from 'node:fs'
// As a whole: an old Node lacks what is used of it, and is to be told so in words.
import * as nodeModule from 'node:module'
import { join, resolve } from 'node:path'

if (isOldNode()) {
  process.stderr.write(
    `genspark2api needs Node.js 22.18 or newer, and this is ${process.version}: run scripts/run.sh, which installs one.\n`,
  )
  process.exit(1)
}
cacheCompiledCode()
keepWebSocketsUnloaded()
// The demo brings the mock of the site, then starts src/main.ts itself.
await import(process.argv[2] === 'demo' ? '../scripts/demo.ts' : './main.ts')

/** 22.18 is the first that runs TypeScript as it is. */
function isOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major < 22 || (major === 22 && minor < 18)
}

/** Keeps what V8 compiled, and sources without their types, from one start to the next. Beside the sources, since both need the
 *  same protection; in DATA_DIR where that folder cannot be written to; nowhere when neither can. Node writes the files when the
 *  process exits and checks each against its source when it reads it. */
function cacheCompiledCode() {
  const folders = [join(import.meta.dirname, '../node_modules'), resolve(process.env.DATA_DIR || 'data')]
  for (const folder of folders) {
    if (!existsSync(folder)) continue
    const { status } = nodeModule.enableCompileCache(join(folder, '.cache/compiled'))
    if (status !== nodeModule.constants.compileCacheStatus.FAILED) return
  }
}

/** `import 'node:http'` reads every export once, and these three load the whole of the `fetch` and WebSocket that are built into
 *  Node: 25 ms and 14 MB for what nothing here uses. They stay where they belong, on `globalThis`. */
function keepWebSocketsUnloaded() {
  const http = process.getBuiltinModule('node:http')
  for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent'])
    Object.defineProperty(http, name, { value: undefined })
}
