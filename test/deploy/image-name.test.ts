import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { image, readProjectFile } from '../support/deployment.ts'

const root = join(import.meta.dirname, '../..')
const git = (folder: string, ...args: string[]) =>
  execFileSync('git', args, { cwd: folder, encoding: 'utf8' })
const filesWith = (text: string) =>
  git(root, 'grep', '-lF', text, '--', '*', ':!test', ':!scripts', ':!.github').split('\n').filter(Boolean)

test('FINDINGS O13: one name of the image is everywhere, with a tag that main publishes', () => {
  const files = filesWith('ghcr.io/')
  expect(files).toEqual(
    expect.arrayContaining([
      'deploy/hugging-face/Dockerfile',
      'deploy/image',
      'deploy/kubernetes.yaml',
      'deploy/zeabur.yaml',
    ]),
  )
  for (const file of files) {
    const names = readProjectFile(file).match(/ghcr\.io\/[\w.-]+\/genspark2api(?::[\w.-]+)?/g) ?? []
    const right = [image.name, `${image.name}:main`, `${image.name}:main-slim`]
    expect(
      names.filter((name) => !right.includes(name)),
      file,
    ).toEqual([])
  }
})

test('FINDINGS O13: no other place names the owner', () => {
  if (!image.name.includes('/OWNER/')) return
  for (const file of filesWith('OWNER'))
    expect(
      readProjectFile(file)
        .replaceAll(/(?:ghcr\.io|github\.com)\/OWNER\/genspark2api/g, '')
        .replaceAll('set-owner.sh OWNER', ''),
      file,
    ).not.toMatch(/\bOWNER\b/)
})

test('FINDINGS O13: one command sets the owner in every file, again and again', () => {
  const copy = mkdtempSync(join(tmpdir(), 'set-owner-'))
  onTestFinished(() => rmSync(copy, { recursive: true }))
  for (const path of ['deploy', 'docs/deploy', 'README.md', 'scripts/set-owner.sh'])
    cpSync(join(root, path), join(copy, path), { recursive: true })
  git(copy, 'init', '-q')
  git(copy, 'add', '-A')
  const run = (owner: string) => execFileSync(join(copy, 'scripts/set-owner.sh'), [owner], { stdio: 'pipe' })
  const read = (path: string) => readFileSync(join(copy, path), 'utf8')
  for (const [owner, told] of [
    ['Some-Body', 'some-body'],
    ['other', 'other'],
  ] as const) {
    run(owner)
    expect(read('deploy/image')).toContain(`IMAGE=ghcr.io/${told}/genspark2api\n`)
    expect(read('deploy/kubernetes.yaml')).toContain(`image: ghcr.io/${told}/genspark2api:main\n`)
    expect(read('deploy/hugging-face/Dockerfile')).toContain(`FROM ghcr.io/${told}/genspark2api:main\n`)
    expect(read('README.md')).toContain(`git clone https://github.com/${told}/genspark2api\n`)
    expect(read('docs/deploy/docker.md')).toContain(`ghcr.io/${told}/genspark2api:main`)
  }
  for (const wrong of ['', 'a/b', 'a b', '-a', '../x'])
    expect(() => run(wrong), wrong).toThrow('Command failed')
})
