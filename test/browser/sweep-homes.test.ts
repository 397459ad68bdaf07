import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { homePrefix, sweepHomes } from '../../src/browser/sweep-homes.ts'

it('FINDINGS R7: removes what a killed service left, and nothing that is in use, young or of others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sweep-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const [left, used, young, other] = [`${homePrefix}left`, `${homePrefix}used`, `${homePrefix}young`, 'other']
  for (const name of [left, used, young, other]) await mkdir(join(folder, name, 'files'), { recursive: true })
  const hourAgo = Date.now() / 1000 - 3600
  for (const name of [left, used, other]) await utimes(join(folder, name), hourAgo, hourAgo)
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], {
    env: { HOME: join(folder, used) },
  })
  onTestFinished(() => void child.kill())
  await once(child.stdout, 'data')

  await sweepHomes(folder)
  expect((await readdir(folder)).sort()).toEqual([used, young, other].sort())
})
