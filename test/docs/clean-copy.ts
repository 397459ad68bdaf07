import { execFile } from 'node:child_process'
import { cp, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './markdown.ts'

const run = promisify(execFile)

/** What a clone does not have: the contents of .gitignore, and the dependencies, which are linked in its stead. */
const notCloned = new Set(['node_modules', '.git', '.tools', 'data', 'coverage', '.env'])

/** A copy of this tree as a clone has it, with these very dependencies installed. @returns its folder; to be removed */
export async function makeCleanCopy(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'genspark2api-clone-'))
  await cp(root, copy, { recursive: true, filter: (path) => path === root || !notCloned.has(basename(path)) })
  const [from, to] = [await realpath(join(root, 'node_modules')), join(copy, 'node_modules')]
  await run('cp', ['-al', from, to]).catch(() => run('cp', ['-a', from, to]))
  await noteAsInstalled(copy)
  return copy
}

/** As `ensure_dependencies` of scripts/lib/setup.sh does after it. The file may be a link to that of this tree. */
async function noteAsInstalled(copy: string): Promise<void> {
  const stamp = join(copy, 'node_modules/.installed-from')
  await rm(stamp, { force: true })
  const { stdout } = await run('sh', ['-c', 'cksum <package-lock.json'], { cwd: copy })
  await writeFile(stamp, `${stdout.trim()} all\n`)
}
